import { testDoubt } from '../wallet/doubt.ts'

// One of each kind; `doubt.long.e2e.ts` has the others.
testDoubt({
  faults: [['dies', ['claim']]],
  closings: [['closed', 'cut', ['send']]],
  sent: [['lost', ['withdraw']]],
  doubtful: [
    ['never', 'send'],
    ['gap', 'deposit'],
    ['hang', 'claim'],
  ],
})
