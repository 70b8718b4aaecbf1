import { describe, expect, it } from 'vitest'
import { CODE_TABLE, isErrorCode, type ErrorCode } from './code-table.ts'
import type { ErrorFacts } from './entry.ts'
import { hasCode, InfernetError } from './infernet-error.ts'

const CODES = Object.keys(CODE_TABLE) as ErrorCode[]

/** Facts that answer each name with the name itself, so that a sentence shows what it is filled with. */
const named = new Proxy<ErrorFacts>({}, { get: (_, name) => `<${String(name)}>` })

describe('the sentences of the network', () => {
  it('are reviewed here, as they stand with all facts known', () => {
    const table = CODES.map((code) => {
      const { message, fix } = new InfernetError(code, named)
      return `${code}\n  ${message}\n  ${fix}`
    })
    expect(`\n${table.join('\n')}\n`).toMatchInlineSnapshot(`
      "
      wire.malformed
        The other side sent a message that does not fit the protocol (<field>).
        Reload the page to get the newest version. If it stays, the other side is broken: another one is tried.
      wire.too-large
        A message is larger than the limit of <maxBytes> bytes.
        Send less at once.
      wire.timeout
        No answer came within <limitMs> ms.
        Try again; another peer may be quicker.
      wire.closed
        The other side closed the connection.
        Try again; another peer is tried first.
      wire.bad-signature
        A signature under a <noun> is wrong.
        Nothing to do: the message was dropped.
      wire.unexpected
        A "<got>" message came where it may not.
        Reload the page to get the newest version.
      wire.other-version
        The other side does not speak this version of the protocol.
        Reload the page to get the newest version.
      models.corrupt
        The file <path> is not what its manifest promises.
        Load the model again. If it stays, the server holds a broken copy.
      models.truncated
        The file <path> ended after <got> of <expected> bytes.
        Check the connection and load the model again; what is here already is kept.
      models.unavailable
        The file <path> could not be fetched (<status>).
        Check the connection and try again.
      models.unsupported
        This model cannot be run here: <reason>.
        Choose another model.
      models.unknown
        Nobody here knows that model.
        Choose a model from the list.
      models.no-space
        The model needs <neededMb> MB of storage, <freeMb> MB are free.
        Free some space, or choose a smaller model.
      engine.no-webgpu
        This browser has no WebGPU.
        Use a current Chrome, Edge, Firefox or Safari, or lend your processor instead.
      engine.no-adapter
        The browser gives this page no graphics adapter.
        Turn on hardware acceleration in the browser settings, or lend your processor instead.
      engine.software-adapter
        The browser only imitates a graphics adapter, which is slower than the processor itself.
        Turn on hardware acceleration in the browser settings; until then the processor lends.
      engine.limits
        The <device> allows <limit> of <has>, the model needs <needs>.
        Choose a smaller model.
      engine.out-of-memory
        The model needs <neededMb> MB of the GPU's memory, about <freeMb> MB are free.
        Close other tabs that use the GPU, or choose a smaller model.
      engine.device-lost
        The GPU was reset or taken away.
        It is being loaded again; running answers move to another tab.
      engine.crashed
        The engine stopped by itself (<reason>).
        It is being loaded again; if it stays, choose a smaller model.
      engine.shader-failed
        The graphics driver could not compile a part of the model (<operator>).
        Update the graphics driver. Until then the processor can lend instead.
      engine.self-test-failed
        The GPU got <wrong> of <total> test tokens wrong (in <operators>).
        Update the graphics driver. Until then the processor can lend instead.
      engine.load-failed
        The model could not be started (<reason>).
        Load it again, or choose another model.
      engine.bad-token
        Token <token> is outside the vocabulary of <vocabSize>.
        Reload the page: its tokenizer does not fit the model.
      engine.context-full
        The prompt has <tokens> tokens, the model holds <contextLength>.
        Shorten the prompt or begin a new question.
      engine.queue-full
        The engine already has <limit> requests waiting.
        Try again in a moment.
      engine.bad-logits
        The model produced numbers that are not numbers.
        Reload the model; if it stays, update the graphics driver.
      engine.bad-grammar
        The schema or grammar of the answer cannot be used (<reason>).
        Correct the schema or grammar, or ask without one.
      engine.grammar-stuck
        No word of the model fits the form that the answer must have.
        Loosen the schema or grammar, or choose another model.
      engine.closed
        The engine was stopped.
        Start it again.
      prompt.too-long
        The prompt has <tokens> tokens, at most <maxTokens> fit.
        Shorten the prompt or begin a new question.
      prompt.bad-parameters
        The sampler parameter <parameter> is out of range.
        Reset the parameters.
      prompt.quote-limit
        Too many prices were asked for at once.
        Wait a moment and try again.
      prompt.quote-expired
        The price offer has run out.
        Ask again: a new price is fetched.
      prompt.quote-unknown
        The price offer was used before or never made.
        Ask again: a new price is fetched.
      prompt.price-too-high
        Every price is above your limit.
        Raise the limit or choose another model.
      schedule.no-relay
        No relay answers.
        Check the connection; the page keeps trying.
      schedule.no-provider
        Nobody is lending a GPU for this model right now.
        Keep the prompt here until one comes, or lend your own GPU.
      schedule.offer-expired
        The offer has run out.
        Check that the clock of this computer is right.
      schedule.offer-stale
        A newer offer is known already.
        Nothing to do.
      schedule.directory-full
        The relay holds as many offers as it can.
        Another relay is tried.
      schedule.not-introduced
        The relay sends nobody to this provider: its operator is jailed.
        Look at the state of the stake; the offer is taken again when the operator is released.
      schedule.rate-limited
        The relay gets too many requests from here.
        Wait a moment and try again.
      stream.busy
        The provider already serves <running> and has <waiting> waiting.
        Another provider is tried.
      stream.draining
        The provider is about to leave and takes no new work.
        Another provider is tried.
      stream.silent
        The other side has been silent for <silentMs> ms.
        Another provider goes on with the answer.
      stream.stalled
        The provider is there but has written nothing for <stalledMs> ms.
        Another provider goes on with the answer.
      stream.provider-lost
        The tab that answered went away.
        Another provider goes on with the answer.
      stream.cancelled
        The answer was stopped.
        Ask again when you like.
      stream.bad-chunk
        A block of tokens does not fit the one before (<reason>).
        Another provider goes on with the answer.
      stream.slow-reader
        The reader takes no more tokens.
        Keep the page open, or ask again.
      stream.duplicate-job
        A job of that name is running already.
        Ask again.
      settle.bad-network-file
        The network file is not as it should be (<field>).
        Write it anew with the deploy script.
      payment.required
        This provider is paid, and nothing came to pay it with.
        Make a deposit on the Wallet page, or ask a provider that works for nothing.
      payment.unpaid
        The payment for the next block did not come.
        Check the deposit; what was written so far is kept.
      payment.debts
        This payer left blocks unpaid lately.
        Wait an hour, or ask another provider.
      payment.bad-voucher
        A payment is not valid (<reason>).
        Reload the page. If it stays, open a new session on the Wallet page.
      payment.stale
        A payment is lower than one that was made before.
        Nothing to do: the record of payments catches up. If it stays, another provider is asked.
      payment.wrong-payee
        A payment or a price names somebody else (<field>).
        Another provider is tried.
      payment.wrong-chain
        The provider wants to be paid on a chain or a contract that is not known here.
        Another provider is tried. Check that the wallet is on the right network.
      payment.not-as-offered
        The provider wants to be paid otherwise than its offer said.
        Another provider is tried.
      payment.wrong-epoch
        The payment belongs to a deposit that was withdrawn.
        Make a new deposit on the Wallet page.
      payment.no-session
        The key that signs the payments is not authorised on the chain.
        Open a session on the Wallet page, or wait until its transaction is confirmed.
      payment.expired-session
        The session that signs the payments has run out.
        Open a new session on the Wallet page.
      payment.session-spent
        The session has spent what it was allowed to.
        Open a new session, or one with a higher cap, on the Wallet page.
      payment.no-deposit
        The deposit does not cover this.
        Top it up on the Wallet page.
      payment.withdrawal-pending
        The deposit is being withdrawn, so nothing can be paid from it.
        Cancel the withdrawal on the Wallet page, or make a new deposit: that cancels it, too.
      payment.over-limit
        This would cost more than your limit for one answer.
        Raise the limit, shorten the prompt or ask for a shorter answer.
      payment.chain-unreachable
        The chain does not answer, so the deposit cannot be checked.
        Check the connection; it is tried again with the next question.
      payment.no-record
        The record of payments cannot be read or written here.
        Free some storage and reload the page. Nothing is paid without a record.
      chain.none
        This relay is attached to no chain.
        Use a relay that is, or an endpoint of your own. Here answers are free.
      chain.unavailable
        No node of the chain answers.
        Try again in a moment. Nothing is lost: what was signed stays good.
      chain.displaced
        Another transaction of the same account took the place of this one.
        What it was for is looked at again. Let one program alone use the key.
      chain.busy
        Too many questions to the chain are waiting at the relay.
        Try again in a moment.
      chain.rate-limited
        Too many questions to the chain come from this address.
        Wait a moment, or use an endpoint of your own.
      chain.method-refused
        The relay does not pass on <method>.
        Ask an endpoint of your own for it.
      chain.bad-request
        A question to the chain is not as it may be (<field>).
        Ask for less at once, or an endpoint of your own.
      chain.too-large
        A question to the chain has more than <maxBytes> bytes.
        Ask for less at once.
      chain.not-from-here
        Another site, or no JSON, was used to ask the relay.
        Open the page of the relay itself.
      faucet.none
        This relay gives no test money away.
        Ask its operator, or use a relay with a faucet.
      faucet.bad-address
        That is not an address of an account on the chain.
        Give 0x and 40 hexadecimal digits.
      faucet.enough
        This account has test money already.
        Come back when it is used up.
      faucet.limited
        Test money was given to this <of> not long ago.
        Wait an hour.
      faucet.busy
        Too many are waiting for test money.
        Try again in a minute.
      faucet.empty
        The faucet has run dry.
        Tell the relay's operator, or use another relay.
      faucet.failed
        The test money was sent, but the chain did not take it.
        Try again; if it stays, tell the relay's operator.
      wallet.unreachable
        No node of the chain answers.
        The amounts are the last ones that were read. The page keeps trying.
      wallet.foreign-node
        The node answers for chain <got>, this network settles on chain <wanted>.
        Nothing is sent there. Another node is tried.
      wallet.rejected
        You declined the signature.
        Your wallet says that it sent nothing. Sign again when you like.
      wallet.wrong-chain
        Your wallet is on another chain.
        Nothing is lost. Switch to go on.
      wallet.no-gas
        The network fee is about <needed>, this wallet has <has>.
        Get some of the coin that pays fees, then try again.
      wallet.reverted
        The contract refused: <reason>.
        This transaction moved nothing, the network fee apart.
      wallet.replaced
        Another transaction of this wallet took the place of this one.
        This one moved nothing and never will. Try again if you still want it.
      wallet.waiting
        Your wallet is asking you something already.
        Open it and answer, then try again.
      wallet.silent
        Your wallet has not answered for <minutes> minutes.
        Do not send it again before you have looked into your wallet: what you sign there still counts.
      wallet.unsupported
        Your wallet cannot do this (<method>).
        Take another wallet, or the one in this tab.
      wallet.disconnected
        Your wallet shows this page no account.
        Unlock it and connect again.
      wallet.no-answer
        Your wallet does not answer.
        Open it or reload this page, then try again.
      wallet.failed
        The wallet did not do it (<reason>).
        Look into your wallet, then try again.
      wallet.unknown
        It is not known yet whether a transaction of this wallet was sent.
        The Wallet page looks at the chain for it. Do not send it anew before it shows there.
      wallet.nowhere
        It was sent, but no node of the chain knows of it.
        It may still come into a block. Do not send it anew before you know.
      wallet.not-sent
        Your wallet says that it did not send it.
        Try again when you like.
      wallet.part-done
        The page was closed before all of it was done: a part of it is in a block.
        Begin it again for the rest. What is done already is not done twice.
      wallet.other-account
        Your wallet has changed to another account.
        Nothing more was sent. Change back, or begin again with this account.
      wallet.no-record
        This browser cannot write down what is to be sent, so it was not sent.
        Free some disk space, or open the page in an ordinary window, then try again.
      wallet.bad-key
        This is not a private key.
        A key has 64 digits from 0 to 9 and a to f, with or without 0x in front.
      wallet.key-lost
        The key of this wallet is here, but the browser cannot open it any more.
        Import the key from your copy, or make a new wallet.
      wallet.no-storage
        This browser keeps nothing for this page, so a key made here would be lost with the tab.
        Open the page in an ordinary window, or connect a wallet.
      wallet.faucet-refused
        The faucet gave nothing: <reason>.
        Try again later, or ask somebody who has some.
      wallet.faucet-silent
        The faucet has not answered.
        It may have sent test money all the same: it shows here when it comes. Try again if it does not.
      payment.box-full
        The relay keeps as many vouchers as it can.
        Claim them from here, or leave them with another relay.
      mesh.outdated
        The network speaks a newer version than this page.
        Reload the page to get the newest version.
      mesh.no-direct-path
        No direct path to the provider came up.
        The answer travels over the relay, within its limit.
      mesh.no-hidden-path
        Nobody who lends now can be asked without seeing your address.
        Ask again when another tab lends, or show your address under the prompt.
      mesh.relay-budget
        The relay carries no more of this answer.
        Another provider goes on with the answer.
      mesh.unreachable
        The provider could not be reached.
        Another provider is tried.
      mesh.reservation-refused
        The relay has no free place to be found at.
        Another relay is tried.
      mesh.insecure-page
        The page was opened over plain http from another machine, so the browser keeps the GPU and the keys from it.
        Open it over https, or at localhost on the machine that runs the relay.
      peer.refused
        The other side refused for a reason that this version does not know.
        Reload the page to get the newest version.
      internal
        Something went wrong here.
        Try again. If it stays, tell the developers what you did.
      "
    `)
  })

  it.each(CODES)('%s: says what is and what to do, in whole sentences, also without any fact', (code) => {
    const { message, fix } = new InfernetError(code)
    for (const text of [message, fix]) {
      expect(text).toMatch(/^[A-Z].*\.$/)
      expect(text).not.toMatch(/undefined|null|NaN|\[object|\s{2}/)
      expect(text.length).toBeLessThanOrEqual(140)
    }
  })

  it('have codes that are a home and a name', () => {
    for (const code of CODES.filter((name) => name !== 'internal'))
      expect(code).toMatch(
        /^(wire|models|engine|prompt|schedule|stream|verify|settle|payment|mesh|wallet|peer|chain|faucet)\.[a-z]+(-[a-z]+)*$/,
      )
  })
})

describe('InfernetError', () => {
  it('keeps the code, the facts, the fix and the cause', () => {
    const cause = new Error('deep')
    const error = new InfernetError('prompt.too-long', { tokens: 1200, maxTokens: 1024 }, { cause })
    expect(error).toMatchObject({
      name: 'InfernetError',
      message: 'The prompt has 1200 tokens, at most 1024 fit.',
      fix: 'Shorten the prompt or begin a new question.',
      code: 'prompt.too-long',
      facts: { tokens: 1200, maxTokens: 1024 },
      cause,
    })
  })

  it('wraps what has no name, once', () => {
    const own = new InfernetError('stream.busy')
    expect(InfernetError.from(own, 'internal')).toBe(own)
    for (const thrown of [new Error('x'), 'x', undefined, null, 0, { code: 'stream.busy' }]) {
      const wrapped = InfernetError.from(thrown, 'wire.closed', { limit: 1 })
      expect(wrapped).toMatchObject({ code: 'wire.closed', facts: { limit: 1 }, cause: thrown })
    }
    expect(InfernetError.from('x').code).toBe('internal')
  })

  it('is told by its code', () => {
    expect(hasCode(new InfernetError('stream.busy'), 'stream.busy')).toBe(true)
    expect(hasCode(new InfernetError('stream.busy'), 'wire.closed')).toBe(false)
    expect(hasCode({ code: 'stream.busy' }, 'stream.busy')).toBe(false)
  })

  it('knows its codes, and nothing that every object has', () => {
    expect(isErrorCode('stream.busy')).toBe(true)
    for (const code of ['', 'busy', 'toString', '__proto__', 'constructor', 7, null, undefined, {}])
      expect(isErrorCode(code)).toBe(false)
  })
})
