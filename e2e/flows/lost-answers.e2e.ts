import { testLostAnswers } from '../wallet/lost-answers.ts'

// One of each kind; `lost-answers.long.e2e.ts` has the others.
testLostAnswers({
  faults: ['swallow', 'cut'],
  closings: { 'closed-sent': 'swallow' },
  sent: ['', 'lost'],
  changed: ['switch-account'],
  refused: { reject: 'wallet.rejected' },
  doubtful: { 'reject-string': 'unknown', hang: 'asked', never: 'sent' },
  isBatched: true,
})
