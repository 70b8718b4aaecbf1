import { testLostAnswers } from '../wallet/lost-answers.ts'

testLostAnswers({
  faults: ['dies', 'late', 'error', 'cheap'],
  closings: { closed: 'cut' },
  sent: ['chain-number', 'chain-decimal', 'slow', 'lost-params', 'sent-hang'],
  changed: ['switch-chain', 'disconnect'],
  refused: {
    ...{ 'reject-wrapped': 'wallet.rejected', disconnected: 'wallet.disconnected' },
    'chain-hang': 'wallet.no-answer',
  },
  doubtful: { rate: 'unknown', 'reject-undefined': 'unknown', gap: 'sent' },
  isBatched: false,
})
