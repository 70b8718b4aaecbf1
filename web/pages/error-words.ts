import { CODE_TABLE, type ErrorCode } from '#shared/errors/code-table.ts'
import type { ErrorFacts } from '#shared/errors/codes/entry.ts'
import { OUTDATED, RELOAD } from './outdated-words.ts'

/** What a page says in its own terms; what is missing is said as in the table. */
interface PageWords {
  readonly message?: string
  readonly fix?: string
}

const ASK_AGAIN = 'Ask again in a moment: this page then looks for another provider.'
const CHECK_AGAIN = 'Check again in a moment: this page then asks somebody else.'
const NEW_PRICE = 'Ask again: this page then gets a new price.'
const OR_NEW_QUESTION = 'Shorten the prompt or begin a new question.'
const HARDWARE = 'Turn on hardware acceleration in the browser settings, or lend your processor instead.'
const DRIVER = 'Update the graphics driver. Until then you can lend your processor instead.'
const ORDINARY_WINDOW = 'open the page in an ordinary window'

const NOT_KEPT = 'They were not kept. The rest comes from elsewhere; if it stops, load the model again later.'
const FROM_OTHERS = 'The pieces come from elsewhere. If the download stops, load the model again later.'

/** By code, wherever the page shows it. A button stands beside it: see `stepsAfter`, `provideSteps` and the notes. */
const PAGE_WORDS: Readonly<Partial<Record<ErrorCode, PageWords>>> = {
  'wire.malformed': { fix: `${RELOAD} If it happens again, ask again later.` },
  'wire.bad-signature': { fix: 'It was not used. Ask again in a moment.' },
  'wire.timeout': { fix: 'Check the connection. The other side may be slow or gone.' },
  'wire.unexpected': { fix: RELOAD },
  'wire.other-version': { fix: RELOAD },
  'models.truncated': { fix: 'Check the connection, then load the model again.' },
  'models.unavailable': { fix: 'Check the connection, then load the model again.' },
  'models.unknown': { fix: 'Choose a model from the list.' },
  'models.quota-exceeded': {
    message: 'The browser gives this page no more storage. What was stored before is kept.',
  },
  'models.store-busy': {
    message: 'Another tab has held the files of this model for minutes.',
    fix: 'Close other tabs of this page, then try again.',
  },
  'models.in-use': {
    message: 'The model is in use here or in another tab, so it was not deleted.',
    fix: 'Stop it there, or close that tab, then delete it.',
  },
  'models.origin-differs': { fix: NOT_KEPT },
  'models.wrong-piece': { fix: NOT_KEPT },
  'models.lying-seeder': { fix: FROM_OTHERS },
  'models.seeder-stalled': { fix: FROM_OTHERS },
  'models.seeder-flood': { fix: FROM_OTHERS },
  'models.not-passed-on': { fix: 'It is kept in this browser alone. Others get it from its origin.' },
  'models.peers-not-asked': {
    fix: 'Show your address under the prompt and switch From origins only off, or add the model from its hub.',
  },
  'engine.no-webgpu': {
    message: 'This browser has no WebGPU.',
    fix: 'Use a current Chrome, Edge, Firefox or Safari, or lend your processor instead.',
  },
  'engine.no-adapter': { message: 'Your browser does not give this page your graphics card.', fix: HARDWARE },
  'engine.software-adapter': {
    message: 'Your browser only imitates a graphics card, which is slower than the processor itself.',
    fix: HARDWARE,
  },
  'engine.out-of-memory': { fix: 'Close other tabs that use the GPU, or choose a smaller model.' },
  'engine.shader-failed': { fix: DRIVER },
  'engine.self-test-failed': { fix: DRIVER },
  'engine.bad-token': { fix: 'Reload the page: its tokenizer does not fit the model.' },
  'engine.context-full': { fix: OR_NEW_QUESTION },
  'prompt.too-long': { fix: OR_NEW_QUESTION },
  'prompt.quote-expired': { fix: NEW_PRICE },
  'prompt.quote-unknown': { fix: NEW_PRICE },
  'schedule.no-relay': { fix: 'Check the connection, then try again.' },
  'schedule.no-provider': {
    message: 'Nobody is lending for this model right now.',
    fix: 'Keep the prompt here until somebody does, or lend your own GPU.',
  },
  'schedule.filling': { fix: 'Ask again in some seconds.' },
  'schedule.offer-expired': { fix: 'Check that the clock of this computer is right.' },
  'schedule.offer-stale': { fix: 'Close other tabs of this page that lend the same model.' },
  'schedule.seeds-expired': { fix: 'Check that the clock of this computer is right.' },
  'schedule.seeds-stale': { fix: 'Close other tabs of this page that pass on the same model.' },
  'schedule.directory-full': { fix: 'Wait, or open the page from another relay.' },
  'schedule.flooded': { fix: 'Open the page from another relay.' },
  'schedule.maintenance': { fix: 'Wait until it is over, or open the page from another relay.' },
  'schedule.not-reachable': { fix: 'Reload the page, or open it from another relay.' },
  'schedule.not-introduced': {
    fix: 'Look at your stake on the Wallet page. Offers are taken again once a court has released it.',
  },
  'stream.busy': { fix: ASK_AGAIN },
  'stream.draining': { fix: ASK_AGAIN },
  'stream.refused': { fix: 'It need not say why. Ask again: this page then looks for another provider.' },
  'stream.silent': { fix: ASK_AGAIN },
  'stream.flooded': { fix: ASK_AGAIN },
  'stream.stalled': { fix: ASK_AGAIN },
  'stream.provider-lost': { fix: ASK_AGAIN },
  'stream.bad-chunk': { fix: ASK_AGAIN },
  'stream.slow-reader': { fix: 'Keep the page open, and ask again.' },
  'stream.duplicate-job': { fix: 'Ask again if you still want it.' },
  'verify.no-commitments': { fix: 'Ask again in a moment: a provider of today signs them.' },
  'verify.withheld': { fix: 'Check an answer within a day of when it was written.' },
  'verify.not-kept': {
    message: 'What proves this answer is not kept any more, here or at its provider.',
    fix: 'Check an answer within a day of when it was written.',
  },
  'verify.no-verifier': {
    message: 'Nobody else who lends this model can be asked right now.',
    fix: 'Check again when another one lends it, or check in this tab.',
  },
  'verify.busy': { fix: CHECK_AGAIN },
  'verify.rate-limited': { fix: CHECK_AGAIN },
  'verify.bad-request': { fix: 'Ask the question again, and check the new answer.' },
  'verify.bad-verdict': {
    message: 'The verdict that came does not fit the answer, so it was not used.',
    fix: CHECK_AGAIN,
  },
  'verify.record-expired': { fix: 'Check the clock of this computer.' },
  'verify.record-stale': { fix: 'Look again in a moment.' },
  'verify.records-full': { fix: 'Open the page from another relay.' },
  'payment.required': { fix: 'Make a deposit on the Wallet page, or ask a free provider.' },
  'payment.unpaid': { fix: 'Check the deposit on the Wallet page. What is written so far stays.' },
  'payment.bad-voucher': {
    fix: 'Reload the page. If it happens again, open a new session on the Wallet page.',
  },
  'payment.stale': { fix: 'Ask again: the higher one counts.' },
  'payment.wrong-payee': { fix: ASK_AGAIN },
  'payment.wrong-chain': { fix: 'Check on the Wallet page that your wallet is on the right chain.' },
  'payment.not-as-offered': { fix: ASK_AGAIN },
  'payment.wrong-epoch': { fix: 'Make a new deposit on the Wallet page.' },
  'payment.no-session': {
    fix: 'Open a session on the Wallet page, or wait until its transaction is confirmed.',
  },
  'payment.expired-session': { fix: 'Open a new session on the Wallet page.' },
  'payment.session-spent': { fix: 'Open a new session, or one with a higher cap, on the Wallet page.' },
  'payment.no-deposit': { fix: 'Add to it on the Wallet page.' },
  'payment.credit-used': { fix: ASK_AGAIN },
  'payment.withdrawal-pending': {
    fix: 'Cancel the withdrawal on the Wallet page, or make a new deposit: that cancels it, too.',
  },
  'payment.chain-unreachable': {
    fix: 'Check the connection. The chain is asked again with the next question.',
  },
  'payment.no-record': {
    fix: 'Free some storage and reload the page. Nothing is paid without a record.',
  },
  'wallet.unreachable': { fix: 'Check the connection. Amounts on this page may be old.' },
  'wallet.unsupported': { fix: 'Use another wallet, or the one in this tab.' },
  'wallet.disconnected': { message: 'Your wallet shows this page no account.' },
  'wallet.no-lock': { fix: 'Lock it on the Wallet page, then try again.' },
  'wallet.unknown': {
    fix: 'The Wallet page looks for it on the chain. Do not send it again before it shows there.',
  },
  'wallet.part-done': {
    message: 'The page was closed before all of it was done: a part of it is in a block.',
  },
  'wallet.no-record': {
    message: 'This browser cannot write down what is to be sent, so it was not sent.',
    fix: `Free some storage, or ${ORDINARY_WINDOW}, then try again.`,
  },
  'wallet.key-lost': { message: 'The key of this wallet is here, but the browser cannot open it any more.' },
  'wallet.no-storage': {
    message: 'This browser keeps nothing for this page, so a key made here would be lost with the tab.',
    fix: 'Open the page in an ordinary window, or connect a wallet.',
  },
  'faucet.none': { fix: 'Receive some from somebody, or open the page from another relay.' },
  'faucet.empty': { fix: 'Ask again later, or open the page from another relay.' },
  'wallet.faucet-silent': {
    fix: 'It may have sent test money all the same: it shows here when it comes. Ask again if it does not.',
  },
  'mesh.outdated': { message: OUTDATED.message, fix: OUTDATED.fix },
  'mesh.no-direct-path': { fix: ASK_AGAIN },
  'mesh.no-hidden-path': {
    message: 'Nobody who lends now can be asked without seeing your address.',
    fix: 'Ask again when another tab lends, or show your address under the prompt.',
  },
  'mesh.relay-budget': { fix: ASK_AGAIN },
  'mesh.unreachable': { fix: ASK_AGAIN },
  'mesh.reservation-refused': { fix: 'Try again, or open the page from another relay.' },
  'mesh.insecure-page': {
    message:
      'The page was opened over plain http from another machine, so the browser keeps the GPU and the keys from it.',
  },
  'peer.refused': { fix: RELOAD },
  internal: { fix: 'Reload the page. If it happens again, tell the developers what you did.' },
}

/** What a page says about a code: its own words where it has some, else those of the table. */
export function pageWords(code: ErrorCode, facts: ErrorFacts = {}): Required<PageWords> {
  const { message, fix } = PAGE_WORDS[code] ?? {}
  return { message: message ?? CODE_TABLE[code].says(facts), fix: fix ?? CODE_TABLE[code].fix }
}
