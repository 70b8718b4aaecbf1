import { raceSignal } from '#shared/base/wait.ts'
import type { TextEvent } from '#shared/client/ask-text.ts'
import { fitPrompt } from '#shared/client/fit-prompt.ts'
import type { ChatTokenizer } from '#shared/engine/tokenizer/chat-tokenizer.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { LoadProgress } from '#shared/models/load-progress.ts'
import type { BegunAnswer } from '#shared/peer/peer.ts'
import type { Prompt } from '#shared/prompt/prompt.ts'
import type { PaymentDesk } from '../money/payment-desk.svelte.ts'
import type { Session } from '../session/session.svelte.ts'
import type { Answer } from './answer.svelte.ts'
import { continuationOf, type Turn } from './conversation.ts'
import type { LocalRun } from './local-run.svelte.ts'
import type { AskServices } from './services.ts'
import { costly, leftOut, messagesOf } from './turns.ts'

/** One answer on its way. */
export interface Writing {
  /** The conversation so far, up to the question. */
  readonly turns: () => readonly Turn[]
  readonly turn: Turn
  readonly answer: Answer
  readonly signal: AbortSignal
}

/** Where answers come from: the network, or an engine in this tab. Both tell the same events. */
export class AnswerSources {
  readonly #services: AskServices
  readonly #session: Session
  readonly #payments: PaymentDesk
  readonly #local: LocalRun
  readonly #asksTwo: () => boolean

  constructor(
    services: AskServices,
    session: Session,
    payments: PaymentDesk,
    { local, asksTwo }: { readonly local: LocalRun; readonly asksTwo: () => boolean },
  ) {
    this.#asksTwo = asksTwo
    this.#services = services
    this.#session = session
    this.#payments = payments
    this.#local = local
  }

  /** Waits until somebody provides the model, then asks. */
  async *network({ turns, turn, answer, signal }: Writing): AsyncGenerator<TextEvent, void, void> {
    await this.#session.whenProvided(turn.model, { signal, onWait: () => answer.wait() })
    const tokenizer = await raceSignal(this.#services.loadTokenizer(turn.model), signal)
    const offered = this.#session.offersFor(turn.model).map(({ offer }) => offer.contextLength)
    const contextLength = offered.length > 0 ? Math.max(...offered) : undefined
    const { prompt, begun } = this.#prepare({ turns, turn, answer }, tokenizer, contextLength)
    const mesh = await this.#session.ready()
    const payer = await this.#payments.beforeAsking({ signal })
    signal.throwIfAborted()
    const except = this.#session.ownNames
    const redundant = this.#asksTwo() ? (2 as const) : undefined
    const components = { peer: mesh.peer, tokenizer, clock: this.#services.clock }
    const options = { except, payer, begun, redundant, signal }
    for await (const event of this.#services.askText(components, prompt, options)) {
      if (event.type === 'assigned' || event.type === 'chunk' || event.type === 'second')
        this.#session.measure(event.segment.provider, event.segment.rttMs, event.segment.path)
      yield event
    }
  }

  /** Without the network: nothing is looked for, sent or paid. */
  async *here({ turns, turn, answer, signal }: Writing): AsyncGenerator<TextEvent, void, void> {
    answer.load('opening')
    const onProgress = (progress: LoadProgress): void => answer.load(progress)
    const engine = await this.#local.open(turn.model, { signal, onProgress })
    try {
      const tokenizer = await raceSignal(this.#services.loadTokenizer(turn.model), signal)
      const { contextLength } = engine.info
      const { prompt, begun } = this.#prepare({ turns, turn, answer }, tokenizer, contextLength)
      const components = { engine, tokenizer, clock: this.#services.clock }
      const seed = this.#services.newSeed()
      yield* this.#services.askLocally(components, prompt, { seed, begun, signal })
    } finally {
      this.#local.rest()
    }
  }

  /** The prompt, and what there is of its answer. */
  #prepare(
    { turns, turn, answer }: Omit<Writing, 'signal'>,
    tokenizer: ChatTokenizer,
    contextLength: number | undefined,
  ): { readonly prompt: Prompt; readonly begun: BegunAnswer | undefined } {
    const continued = continuationOf(turn.answer)
    if (continued) {
      const { prompt } = continued
      const { reasoning, droppedTurns, segments } = turn.answer
      answer.begin({ prompt, reasoning, droppedTurns })
      return { prompt, begun: { ...continued, segments: costly(segments) } }
    }
    const choice = this.#session.choice(turn.model)
    if (!choice) throw new InfernetError('models.unknown')
    const all = turns()
    const fitted = fitPrompt(choice, tokenizer, messagesOf(all), {}, { contextLength })
    answer.begin({ ...fitted, droppedTurns: leftOut(all, fitted.droppedTurns) })
    return { prompt: fitted.prompt, begun: undefined }
  }
}
