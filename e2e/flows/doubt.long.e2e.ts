import { testDoubt } from '../wallet/doubt.ts'

testDoubt({
  faults: [
    ['dies', ['send', 'deposit', 'stake', 'unbond', 'revoke', 'withdraw', 'claim']],
    ['error', ['send', 'stake', 'withdraw']],
    ['late', ['send', 'deposit', 'withdraw']],
  ],
  closings: [
    ['closed', 'cut', ['stake', 'withdraw']],
    ['closed-sent', 'dies', ['send', 'withdraw', 'claim']],
  ],
  sent: [
    ['lost', ['send', 'deposit', 'unbond', 'revoke', 'withdraw']],
    ['slow', ['send']],
  ],
  doubtful: [
    ['hang', 'stake'],
    ['never', 'withdraw'],
  ],
})
