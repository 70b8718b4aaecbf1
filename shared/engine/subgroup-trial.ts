import type { Clock } from '../base/clock.ts'
import { epochMillis, MINUTE_MS, type EpochMillis } from '../base/units.ts'
import type { ErrorCode } from '../errors/code-table.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { TestedEngine } from './create-engine.ts'
import type { Engine } from './engine.ts'

/** What a trial of the `subgroups` feature found on one adapter, with one driver, browser and model. */
export interface SubgroupResult {
  /** True only when it was right and faster. */
  readonly on: boolean
  readonly why: 'faster' | 'slower' | 'wrong' | 'failed'
  /** Time without over time with it; undefined when it was not right. */
  readonly gain: number | undefined
  /** Operators that were wrong with it. */
  readonly operators: string | undefined
  readonly at: EpochMillis
}

/** Where trialResults are kept; one that forgets costs a trial, so nothing here may throw. */
export interface ResultStore {
  read(key: string): Promise<SubgroupResult | undefined>
  write(key: string, result: SubgroupResult): Promise<void>
}

export interface TrialComponents<E extends TestedEngine> {
  readonly clock: Clock
  readonly store: ResultStore
  /** All that the result hangs on: {@link trialKey}. */
  readonly key: string
  /** Starts an engine on the GPU, self-test included, with or without the feature. */
  readonly start: (subgroups: boolean) => Promise<E>
}

const DAY_MS = 24 * 60 * MINUTE_MS
/** Drivers are updated without a change of what the browser says of them. */
const TRUSTED_MS = 30 * DAY_MS
/** What did not run may have had another reason, such as another page that took the memory. */
const FAILURE_TRUSTED_MS = DAY_MS

/** Less is noise, and the feature has been wrong before. */
const MIN_GAIN = 1.05

/** Failures of the GPU with the feature, which say nothing of the GPU without it. */
const GPU_FAILURES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'engine.device-lost',
  'engine.crashed',
  'engine.out-of-memory',
  'engine.shader-failed',
  'engine.bad-logits',
  'engine.load-failed',
])

/**
 * Starts an engine with the `subgroups` feature where it proved right and faster, and without it everywhere else.
 *
 * Without a result that can be trusted, both are tried: one after the other, because two copies of the weights might
 * not fit. The feature is the faster way on many GPUs and silently wrong on some (`GpuInit.subgroups`).
 *
 * @throws what starting without the feature throws, or the signal's reason
 */
export async function startByTrial<E extends TestedEngine>(
  components: TrialComponents<E>,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<{ readonly engine: E; readonly result: SubgroupResult }> {
  const { clock, store, key, start } = components
  const known = await store.read(key)
  if (known && isTrusted(known, clock) && !known.on) return { engine: await start(false), result: known }
  const isProved = known !== undefined && isTrusted(known, clock)
  let withMs: number
  try {
    const engine = await start(true)
    if (isProved) return { engine, result: known }
    withMs = await measure(engine, clock, signal).finally(() => engine.close())
  } catch (thrown) {
    signal?.throwIfAborted()
    const result = against(thrown, clock)
    await store.write(key, result)
    return { engine: await start(false), result }
  }
  const without = await start(false)
  const gain = (await measure(without, clock, signal)) / withMs
  const on = gain >= MIN_GAIN
  const at = epochMillis(clock.now())
  const result = { on, why: on ? 'faster' : 'slower', gain, operators: undefined, at } as const
  await store.write(key, result)
  if (!on) return { engine: without, result }
  await without.close()
  return { engine: await start(true), result }
}

/** What a failure says against the feature; one that says nothing of it is thrown again. */
function against(thrown: unknown, clock: Clock): SubgroupResult {
  const { code, facts } = InfernetError.from(thrown)
  const result = { on: false, gain: undefined, at: epochMillis(clock.now()) } as const
  if (code === 'engine.self-test-failed') {
    const { operators } = facts
    return { ...result, why: 'wrong', operators: typeof operators === 'string' ? operators : undefined }
  }
  if (GPU_FAILURES.has(code)) return { ...result, why: 'failed', operators: undefined }
  throw thrown
}

function isTrusted({ at, why }: SubgroupResult, clock: Clock): boolean {
  const age = clock.now() - at
  return age >= 0 && age < (why === 'failed' ? FAILURE_TRUSTED_MS : TRUSTED_MS)
}

const ROUNDS = 3
const PROMPT_TOKENS = 128
const ANSWER_TOKENS = 24

/** The best time of a few short answers, in milliseconds. The prompt means nothing, but it is the same each time. */
async function measure(
  engine: Pick<Engine, 'generate' | 'info'>,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<number> {
  const { vocabSize, contextLength } = engine.info
  const length = Math.min(PROMPT_TOKENS, contextLength - ANSWER_TOKENS - 1)
  const request = {
    promptTokens: Array.from({ length }, (_, i) => (i * 31) % vocabSize),
    priorTokens: [],
    sampler: { temperature: 0, topP: 1 },
    seed: new Uint8Array(0),
    maxTokens: ANSWER_TOKENS,
  }
  let best = Infinity
  for (let round = 0; round < ROUNDS; round++) {
    const begun = clock.monotonic()
    for await (const batch of engine.generate(request, { signal })) void batch
    best = Math.min(best, clock.monotonic() - begun)
  }
  return best
}

/** What the browser tells of an adapter, its runtime and what is run on it: when any of it changes, trials are made anew. */
export function trialKey(parts: {
  readonly adapter: Pick<GPUAdapterInfo, 'vendor' | 'architecture' | 'device' | 'description'>
  readonly browser: string
  readonly runtime: string
  readonly model: string
}): string {
  const { adapter, browser, runtime, model } = parts
  const { vendor, architecture, device, description } = adapter
  return JSON.stringify([vendor, architecture, device, description, browser, runtime, model])
}
