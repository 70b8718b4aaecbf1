import { testDoubt } from '../wallet/doubt.ts'

testDoubt({
  faults: [
    ['dies', ['send', 'stake', 'unbond', 'revoke', 'claim']],
    ['error', ['send', 'stake', 'withdraw']],
    ['late', ['send', 'deposit', 'withdraw']],
  ],
  closings: [
    ['closed', 'cut', ['stake', 'withdraw']],
    ['closed-sent', 'dies', ['send', 'withdraw', 'claim']],
  ],
  sent: [
    ['lost', ['deposit', 'unbond']],
    ['slow', ['send']],
  ],
  doubtful: [
    ['hang', 'stake'],
    ['never', 'withdraw'],
  ],
})
