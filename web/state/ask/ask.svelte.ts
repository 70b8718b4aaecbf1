import {
  estimateCost,
  estimateRedundantCost,
  type AnswerLengths,
  type CostEstimate,
} from '#shared/client/estimate-cost.ts'
import type { ModelChoice } from '#shared/client/model-choice.ts'
import type { ModelList } from '#shared/client/model-library.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { isClaimAlone } from '#shared/models/catalogue/merge-catalogues.ts'
import type { Transcript } from '#shared/stream/transcript.ts'
import { AnswerSources } from './answer-sources.ts'
import { Answer } from './answer.svelte.ts'
import { withCheck, type JobCheck } from './check-record.ts'
import {
  continuationOf,
  EMPTY_ANSWER,
  settleAfterReload,
  titleOf,
  type AnswerRecord,
  type Conversation,
  type Turn,
} from './conversation.ts'
import type { PaymentDesk } from '../money/payment-desk.svelte.ts'
import { LocalRun } from './local-run.svelte.ts'
import type { AskServices, EvidenceStore, History, TranscriptStore } from './services.ts'
import type { Session } from '../session/session.svelte.ts'
import type { AskPlace, Settings } from '../session/settings.svelte.ts'
import { costly, withoutContinuation } from './turns.ts'

/** What this tab writes is kept each time that so many tokens were added. */
const BLOCK_TOKENS = 32

/** Conversations, the answer that is being written, and prompts that wait for a provider. */
export class Ask {
  readonly #services: AskServices
  readonly #session: Session
  readonly #settings: Settings
  readonly #payments: PaymentDesk
  #history: Promise<History> | undefined
  #conversations = $state.raw<readonly Conversation[]>([])
  #currentId = $state<string | undefined>()
  #active = $state.raw<{ conversation: string; turn: string; answer: Answer } | undefined>()
  #run: AbortController | undefined
  /** Ends when nothing is written any more. */
  #writing: Promise<void> = Promise.resolve()
  readonly local: LocalRun
  readonly #sources: AnswerSources
  #historyLost = $state(false)
  #fits = $state.raw<ReadonlyMap<string, boolean> | undefined>()
  #fitsOf: ModelList | undefined
  /** Told of each answer that has ended and whose proof is kept. */
  onAnswered: ((turn: string) => void) | undefined
  /** Changes of what is kept to prove answers, one after the other. */
  #keepingProofs: Promise<void> = Promise.resolve()

  constructor(services: AskServices, session: Session, settings: Settings, payments: PaymentDesk) {
    this.#services = services
    this.#session = session
    this.#settings = settings
    this.#payments = payments
    this.local = new LocalRun(services)
    this.#sources = new AnswerSources(services, session, payments, {
      local: this.local,
      asksTwo: () => this.asksTwo,
    })
  }

  get conversations(): readonly Conversation[] {
    return this.#conversations
  }
  get current(): Conversation | undefined {
    return this.#conversations.find(({ id }) => id === this.#currentId)
  }
  /** The answer being written, if it is of the conversation on the page. */
  get active(): Answer | undefined {
    return this.#active?.conversation === this.#currentId ? this.#active?.answer : undefined
  }
  /** True while an answer is written or waits, in whichever conversation. */
  get busy(): boolean {
    return this.#active !== undefined
  }
  /** Who writes for this tab now. */
  get writer(): string | undefined {
    return this.#active?.answer.writer
  }
  /** True when the browser refuses to keep the conversations. */
  get historyLost(): boolean {
    return this.#historyLost
  }

  /** What can be asked: a model that makes no text has no answer. */
  get models(): readonly ModelChoice[] {
    return this.#session.models.filter(({ task }) => task === 'text-generation')
  }

  /**
   * The model that is asked: the visitor's choice, else the one with most providers, else the first. Of what its
   * publisher alone vouches for none is taken that the visitor did not choose: providers cost a stranger nothing.
   */
  get model(): ModelChoice | undefined {
    const models = this.models
    const chosen = models.find(({ model }) => model === this.#settings.askModel.value)
    if (chosen) return chosen
    const vouched = models.filter(({ listed }) => !isClaimAlone(listed))
    const counts = vouched.map((choice) => this.#session.offersFor(choice.model).length)
    return vouched[counts.indexOf(Math.max(...counts))] ?? models[0]
  }
  set model(choice: ModelChoice | undefined) {
    this.#settings.askModel.value = choice?.model
  }

  /** What of the list this device could run, by a model's hash or a proposal's id; undefined before it was looked at. */
  get fits(): ReadonlyMap<string, boolean> | undefined {
    return this.#fits
  }

  /** Looks whether the models fit this device, again where the list names others now. */
  async inspectFits(): Promise<void> {
    const { list } = this.#session
    if (this.#fitsOf === list) return
    this.#fitsOf = list
    this.#fits = await this.#services.fitsHere(list)
  }

  /** Whether two providers get each prompt, to be compared. */
  get asksTwo(): boolean {
    return this.#settings.askTwo.value
  }
  set asksTwo(on: boolean) {
    this.#settings.askTwo.value = on
  }

  /** Who answers, as the visitor chose. */
  get place(): AskPlace {
    return this.#settings.askPlace.value
  }
  set place(place: AskPlace) {
    this.#settings.askPlace.value = place
    if (place === 'network' && !this.busy) void this.local.close()
  }
  /** True where the next question stays in this tab, as far as is known. */
  get staysHere(): boolean {
    return this.place === 'tab' || (this.place === 'tab-first' && this.local.has(this.model?.model) === true)
  }

  /** Reads what was kept. */
  async open(): Promise<void> {
    try {
      this.#history = this.#services.openHistory()
      const kept = (await (await this.#history).list()).map(settleAfterReload)
      // The visitor may have asked already while the history was read: what is begun stays as it is.
      const begun = this.#conversations
      const all = [
        ...begun,
        ...kept.filter(({ id }) => !begun.some((conversation) => conversation.id === id)),
      ]
      this.#conversations = all.toSorted((a, b) => b.updatedAt - a.updatedAt)
    } catch {
      this.#historyLost = true
    }
  }

  show(id: string | undefined): void {
    this.#currentId = id
  }

  /** Adds a question to the conversation on the page, or begins one. */
  send(question: string): void {
    const text = question.trim()
    const choice = this.model
    if (!text || !choice || this.#active) return
    const turn: Turn = {
      id: this.#services.newId(),
      question: text,
      model: choice.model,
      modelName: choice.name,
      answer: { ...EMPTY_ANSWER },
    }
    const before = this.current
    const earlier = before?.turns.map(withoutContinuation) ?? []
    const conversation: Conversation = {
      id: before?.id ?? this.#services.newId(),
      title: before?.title ?? titleOf(text),
      updatedAt: this.#services.clock.now(),
      turns: [...earlier, turn],
    }
    this.#put(conversation)
    this.#currentId = conversation.id
    this.#begin(conversation.id, turn)
  }

  /** Asks the last question of the conversation on the page again; its answer makes room. */
  again(): void {
    const conversation = this.current
    const last = conversation?.turns.at(-1)
    if (!conversation || !last || this.#active) return
    const choice = this.model
    const turn: Turn = {
      ...last,
      model: choice?.model ?? last.model,
      modelName: choice?.name ?? last.modelName,
      answer: { ...EMPTY_ANSWER },
      checks: undefined,
    }
    this.#put({ ...conversation, turns: [...conversation.turns.slice(0, -1), turn] })
    this.#begin(conversation.id, turn)
  }

  /** Continues the last answer of the conversation on the page where it broke off. */
  resume(): void {
    const conversation = this.current
    const last = conversation?.turns.at(-1)
    if (!conversation || !last || this.#active || !continuationOf(last.answer)) return
    this.#begin(conversation.id, last)
  }

  /** Has the last question of the conversation on the page answered in this tab: what waits elsewhere waits no longer. */
  async runHere(): Promise<void> {
    const id = this.#currentId
    if (this.#active && this.#active.conversation !== id) return
    this.stop()
    await this.#writing
    const last = this.#conversations.find((each) => each.id === id)?.turns.at(-1)
    if (!id || !last || this.#active) return
    const begun = { ...last, answer: { ...EMPTY_ANSWER }, checks: undefined }
    this.#begin(id, continuationOf(last.answer) ? last : begun, 'tab')
  }

  /** Ends the answer that is being written; what came stays. Also ends the waiting for a provider. */
  stop(): void {
    this.#run?.abort(new InfernetError('stream.cancelled'))
  }

  /** What proves an answer, as one file; undefined where nothing is kept of it. Never throws. */
  async proofOf(turn: string, how: { readonly withPrompt: boolean }): Promise<Blob | undefined> {
    await this.#keepingProofs // it is still being kept when the answer has just ended
    try {
      const file = await (await this.#services.openTranscripts()).read(turn, how)
      return file && new Blob([file], { type: 'application/cbor' })
    } catch {
      return undefined
    }
  }

  turn(id: string): Turn | undefined {
    return this.#conversations.flatMap(({ turns }) => turns).find((turn) => turn.id === id)
  }

  /** Keeps what a check found beside its answer; a conversation that is gone by then keeps nothing. */
  keepCheck(turn: string, check: JobCheck): void {
    const kept = this.#conversations.find(({ turns }) => turns.some(({ id }) => id === turn))
    if (!kept) return
    const turns = kept.turns.map((each) =>
      each.id === turn ? { ...each, checks: withCheck(each.checks, check) } : each,
    )
    this.#replace({ ...kept, turns })
  }

  /** Resolves when what proves the answers so far is kept, or could not be. Never rejects. */
  get proofsKept(): Promise<void> {
    return this.#keepingProofs
  }

  remove(id: string): void {
    if (this.#active?.conversation === id) this.stop()
    const turns = this.#turnsOf(id)
    const gone = turns.map((turn) => turn.id)
    void this.#changeProofs((store) => store.remove(gone))
    void this.#changeEvidence((store) => store.remove(gone))
    if (this.#currentId === id) this.#currentId = undefined
    this.#conversations = this.#conversations.filter((conversation) => conversation.id !== id)
    void this.#keep((history) => history.remove(id))
  }

  removeAll(): void {
    this.stop()
    this.#currentId = undefined
    this.#conversations = []
    void this.#changeProofs((store) => store.clear())
    void this.#changeEvidence((store) => store.clear())
    void this.#keep((history) => history.clear())
  }

  /** By the dearest live offer, or the two dearest where two are asked; `undefined` when nobody offers. */
  estimate(lengths: AnswerLengths): CostEstimate | undefined {
    const offers = this.#session.offersFor(this.model?.model)
    const reckon = this.asksTwo ? estimateRedundantCost : estimateCost
    return reckon(
      offers.map(({ offer }) => offer.price),
      lengths,
    )
  }

  #begin(conversation: string, turn: Turn, place = this.place): void {
    this.#writing = this.#write(conversation, turn, place)
  }

  async #write(conversation: string, turn: Turn, place: AskPlace): Promise<void> {
    const run = new AbortController()
    this.#run = run
    const before = continuationOf(turn.answer) && turn.answer
    // While its relay is there: what keeps proofs comes from it, and an answer outlives it.
    void this.#services.openTranscripts().catch(() => undefined)
    const answer = new Answer({ clock: this.#services.clock, before })
    const proofs: Transcript[] = []
    this.#active = { conversation, turn: turn.id, answer }
    try {
      const isHere = place === 'tab' || (place === 'tab-first' && (await this.local.look(turn.model)))
      const writing = { turns: () => this.#turnsOf(conversation), turn, answer, signal: run.signal }
      let saved = 0
      for await (const event of isHere ? this.#sources.here(writing) : this.#sources.network(writing)) {
        answer.take(event)
        if (event.type === 'proof') proofs.push(event.transcript)
        // A provider signs blocks; what this tab writes is kept in steps of the same size.
        const isBlock = event.type === 'chunk' || (isHere && answer.record.tokens - saved >= BLOCK_TOKENS)
        if (!isBlock) continue
        saved = answer.record.tokens
        this.#save(conversation, turn.id, answer.record)
      }
      if (answer.stage !== 'done') answer.stop()
    } catch (thrown) {
      if (run.signal.aborted) answer.stop()
      else answer.fail(InfernetError.from(thrown))
    } finally {
      this.#finish(conversation, turn.id, answer.record)
      await this.#keepProofs(turn.id, proofs, before !== undefined)
      await this.#payments.keepPaid(turn, answer.record.segments, costly(before?.segments ?? []).length)
      const { second = [] } = answer.record
      await this.#payments.keepPaid({ ...turn, id: `${turn.id}/second` }, second, before?.second?.length)
      if (proofs.length > 0) this.onAnswered?.(turn.id)
    }
  }

  #turnsOf(conversation: string): readonly Turn[] {
    return this.#conversations.find(({ id }) => id === conversation)?.turns ?? []
  }

  #finish(conversation: string, turn: string, answer: AnswerRecord): void {
    this.#save(conversation, turn, answer)
    this.#active = undefined
    this.#run = undefined
  }

  /** Keeps an answer as it stands, so that a page that is closed in the middle loses at most a block of it. */
  #save(conversation: string, turn: string, answer: AnswerRecord): void {
    const kept = this.#conversations.find(({ id }) => id === conversation)
    if (!kept) return
    const turns = kept.turns.map((each) => (each.id === turn ? { ...each, answer } : each))
    this.#put({ ...kept, turns, updatedAt: this.#services.clock.now() })
  }

  /** A change that leaves the order of conversations as it is. */
  #replace(conversation: Conversation): void {
    this.#conversations = this.#conversations.map((each) =>
      each.id === conversation.id ? conversation : each,
    )
    void this.#keep((history) => history.put(conversation))
  }

  #put(conversation: Conversation): void {
    const others = this.#conversations.filter(({ id }) => id !== conversation.id)
    this.#conversations = [conversation, ...others]
    void this.#keep((history) => history.put(conversation))
  }

  /** An answer whose proof cannot be kept is an answer all the same: the page says so when it is asked for. */
  async #keepProofs(turn: string, proofs: readonly Transcript[], isContinued: boolean): Promise<void> {
    if (proofs.length > 0) await this.#changeProofs((store) => store.keep(turn, proofs, { isContinued }))
  }

  #changeProofs(act: (store: TranscriptStore) => Promise<void>): Promise<void> {
    // A browser that keeps nothing has no proofs to show.
    const change = async (): Promise<void> => act(await this.#services.openTranscripts())
    this.#keepingProofs = this.#keepingProofs.then(() => change().catch(() => undefined))
    return this.#keepingProofs
  }

  async #changeEvidence(act: (store: EvidenceStore) => Promise<void>): Promise<void> {
    await this.#services
      .openEvidence()
      .then(act)
      .catch(() => undefined)
  }

  async #keep(act: (history: History) => Promise<void>): Promise<void> {
    try {
      this.#history ??= this.#services.openHistory()
      await act(await this.#history)
    } catch {
      this.#historyLost = true
    }
  }
}
