import type { ChainAddress, ModelHash, PeerName } from '../../base/ids.ts'
import type { EpochMillis } from '../../base/units.ts'
import type { Clock } from '../../base/clock.ts'
import { askRelays, type SlowRelays } from '../../schedule/ask-relays.ts'
import type { Signed } from '../../wire/signed.ts'
import { OUTCOMES, openVerdict, type Verdict } from '../verdict.ts'
import type { CheckCount } from './check-counts.ts'
import { MAX_VERDICTS_PER_PROVIDER, RECORD_SKEW_MS, VERDICT_LIFE_MS } from './constants.ts'
import type { GoldenFacts } from './golden-book.ts'
import type { RecordsOptions, RecordsPort } from './records-port.ts'
import type { Staked } from './staked.ts'

/** A golden record that was verified here. */
export interface FoundGolden<Golden> {
  readonly provider: PeerName
  readonly golden: Golden
  /** By the word of most relays that brought it. */
  readonly staked: Staked | undefined
}

/** A verdict whose signature was verified here. Whether its numbers are right is not known. */
export interface FoundVerdict {
  readonly verifier: PeerName
  readonly verdict: Verdict
  readonly signed: Signed
  /** By the word of most relays that brought it. */
  readonly staked: Staked | undefined
  /** Operators that any relay says are the verifier's, for who can ask the chain. */
  readonly operators: readonly ChainAddress[]
}

interface Waiting {
  readonly signal?: AbortSignal | undefined
  /**
   * For who is waited for: an answer of one relay that brings something is enough, see `askRelays`.
   * @default every relay is waited for, so that nothing is missing that one of them keeps
   */
  readonly haste?: { readonly clock: Clock; readonly slow: SlowRelays } | undefined
}

interface Asking extends Waiting {
  readonly now: () => EpochMillis
}

/**
 * Asks the relays at once for golden records of a model and merges them: verified here, the newest of each provider. One
 * from further ahead than clocks differ is left out: it would stand before all that its provider says later. A relay that
 * does not speak of records, does not answer, or answers rubbish is left out.
 *
 * @param open verifies whose record it is and reads it
 * @throws the signal's reason
 */
export async function findGolden<Golden extends GoldenFacts>(
  ports: readonly RecordsPort[],
  model: ModelHash,
  {
    now,
    open,
    providers = [],
    ...waiting
  }: Asking & {
    readonly open: (golden: Signed, provider: PeerName) => Promise<Golden>
    readonly providers?: readonly PeerName[]
  },
): Promise<readonly FoundGolden<Golden>[]> {
  const isRight = ({ golden }: FoundGolden<Golden>): boolean => {
    const isOfNow = golden.at - now() <= RECORD_SKEW_MS && golden.expiresAt > now()
    return golden.model === model && isOfNow
  }
  const ask = async (port: RecordsPort, options: RecordsOptions): Promise<FoundGolden<Golden>[]> => {
    const named = await port.findGolden(model, { providers, ...options })
    const opened = await settled(
      named.map(async ({ provider, golden, staked }) => {
        return { provider, staked, golden: await open(golden, provider) }
      }),
    )
    return opened.filter(isRight)
  }
  const right = await askAll(ports, ask, waiting)
  return mergeBy(
    right,
    ({ provider }) => provider,
    (a, b) => a.golden.at - b.golden.at,
  )
}

/**
 * Asks the relays at once for the last verdicts about a provider and merges them: verified here, each verifier's last
 * word on each job, the newest first.
 *
 * @throws the signal's reason
 */
export async function findVerdicts(
  ports: readonly RecordsPort[],
  provider: PeerName,
  { now, ...waiting }: Asking,
): Promise<readonly FoundVerdict[]> {
  const isRight = ({ verifier, verdict }: Pick<FoundVerdict, 'verifier' | 'verdict'>): boolean => {
    const age = now() - verdict.at
    const isOfNow = age >= -RECORD_SKEW_MS && age < VERDICT_LIFE_MS
    return verdict.provider === provider && verifier !== provider && isOfNow
  }
  const ask = async (
    port: RecordsPort,
    options: RecordsOptions,
  ): Promise<Omit<FoundVerdict, 'operators'>[]> => {
    const named = await port.findVerdicts(provider, options)
    const opened = await settled(
      named.slice(0, MAX_VERDICTS_PER_PROVIDER).map(async ({ verifier, verdict, staked }) => {
        return { verifier, staked, signed: verdict, verdict: await openVerdict(verdict, verifier) }
      }),
    )
    return opened.filter(isRight)
  }
  const right = await askAll(ports, ask, waiting)
  const merged = mergeBy(
    right,
    ({ verifier, verdict }) => `${verifier} ${verdict.jobId}`,
    (a, b) => a.verdict.at - b.verdict.at,
  )
  return merged
    .map((found) => ({ ...found, operators: operatorsOf(right, found.verifier) }))
    .sort((a, b) => b.verdict.at - a.verdict.at)
}

/**
 * The counts of the relay that heard of most checks: auditors tell all that they know, so that a sum would count twice.
 *
 * @returns undefined where no relay says anything
 * @throws the signal's reason
 */
export async function countChecks(
  ports: readonly RecordsPort[],
  waiting: Waiting = {},
): Promise<CheckCount | undefined> {
  const counts = await askAll(ports, async (port, options) => [await port.count(options)], waiting)
  const size = ({ all }: CheckCount): number => OUTCOMES.reduce((sum, outcome) => sum + all[outcome], 0)
  return counts.sort((a, b) => size(b) - size(a))[0]
}

function operatorsOf(
  found: readonly Pick<FoundVerdict, 'verifier' | 'staked'>[],
  verifier: PeerName,
): readonly ChainAddress[] {
  const said = found.flatMap((each) =>
    each.verifier === verifier && each.staked ? [each.staked.operator] : [],
  )
  return [...new Set(said)]
}

async function askAll<Answer>(
  ports: readonly RecordsPort[],
  ask: (port: RecordsPort, options: RecordsOptions) => Promise<readonly Answer[]>,
  { signal, haste }: Waiting,
): Promise<Answer[]> {
  const isEnough = (found: readonly Answer[]): boolean => found.length > 0
  return (await askRelays(ports, ask, { signal, isEnough, ...haste })).flat()
}

async function settled<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(promises)
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
}

/** The last of each key, with what most of those who named it say of stake. */
function mergeBy<Found extends { readonly staked: Staked | undefined }>(
  found: readonly Found[],
  keyOf: (each: Found) => string,
  byAge: (a: Found, b: Found) => number,
): Found[] {
  const groups = new Map<string, Found[]>()
  for (const each of [...found].sort(byAge))
    groups.set(keyOf(each), [...(groups.get(keyOf(each)) ?? []), each])
  return [...groups.values()].flatMap((group) => {
    const last = group.at(-1)
    return last ? [{ ...last, staked: mostSaid(group.map(({ staked }) => staked)) }] : []
  })
}

/** One relay alone cannot make a stake: more than half must name the same operator. The least that they say it has. */
function mostSaid(said: readonly (Staked | undefined)[]): Staked | undefined {
  for (const each of said) {
    const same = said.filter((other) => other !== undefined && other.operator === each?.operator)
    if (2 * same.length <= said.length) continue
    return same.reduce((least, other) => (other && least && other.stake < least.stake ? other : least), each)
  }
  return undefined
}
