import { testDoubt } from '../wallet/doubt.ts'

// One of each kind; `doubt.long.e2e.ts` has the others, and `lost-answers.e2e.ts` has wallets that answer badly.
testDoubt({
  faults: [['dies', ['claim']]],
  closings: [['closed', 'cut', ['send']]],
  sent: [],
  doubtful: [
    ['never', 'send'],
    ['gap', 'deposit'],
    ['hang', 'claim'],
  ],
})
