import type { PeerName } from '#shared/base/ids.ts'
import type { CheckReport } from '#shared/peer/check-events.ts'
import { isEarlyStop } from '#shared/peer/early-stop.ts'
import type { Peer } from '#shared/peer/peer.ts'
import { recordRegistersOf } from '#shared/peer/record-registers.ts'
import type { Stakes } from '#shared/schedule/record/heard.ts'
import { ProviderRecord } from '#shared/schedule/record/provider-record.ts'
import { cheatNamed, type Cheat } from '#shared/testing/cheats/cheats.ts'
import { loadTinyParts, type TinyParts } from '#shared/testing/cheats/tiny-parts.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { findVerdicts } from '#shared/verify/board/find-records.ts'
import { ToldEvidence } from '#shared/verify/board/told-evidence.ts'
import { startRelayProcess } from '../fixtures/relay-process.ts'
import { TestNetwork, type TestPeerNode } from '../peers/test-network.ts'
import { askAloud, longPromptOf, promptOf } from './ask-aloud.ts'
import { checkBy, startDemoAuditor } from './demo-auditor.ts'
import { lendWith, untilOffered, type Lender } from './verifiers.ts'

/** What somebody asks who is no auditor. */
const QUESTIONS = [
  'Tell me a story about a fox and a lantern.',
  'Write a short story about an owl and a bell.',
  'Tell me a story about a bear and a kite.',
  'Tell me a story about a duck and a map.',
]
/** Probes come by chance and some answers are too short to judge; a cheat that is not found by then is not found. */
const LIMIT_MS = 300_000

/** Everybody in such a demo. */
interface Stage {
  readonly network: TestNetwork
  readonly relay: string
  readonly parts: TinyParts
  readonly cheat: Cheat
  readonly consumer: TestPeerNode
  readonly provider: PeerName
  /** Where a verifier is to be found out: it can be asked while it is resumed, so that it never writes an answer. */
  readonly verifier: Lender | undefined
  /** One act at a time that lets the verifier be asked, or must not be answered by it. */
  readonly inTurn: <T>(act: () => Promise<T>) => Promise<T>
  /** What the consumer knows. Of a verifier there is a second one, where it has a stake, which makes its word count. */
  readonly records: readonly ProviderRecord[]
}

/**
 * Real audits until the record excludes who cheats. An auditor asks under fresh names with prompts of its own corpus, reads
 * the answers with an engine of its own and tells a relay; a consumer reads there what is said, asks questions of its own,
 * and has those checked. A verifier is found out where its verdict on an answer is not what was read here; an auditor who
 * lies publishes at the relay, and whoever reads it looks for themselves. The last line is one JSON object.
 *
 * @returns the exit code: 0 when the cheat is excluded, and nobody honest is
 */
export async function probeUntilExcluded(name: string): Promise<number> {
  await using network = new TestNetwork()
  const relay = await startRelayProcess({ args: ['--seed-provider', 'off'] })
  network.defer(() => relay.stop())
  const parts = await loadTinyParts()
  network.defer(() => parts.close())
  const cheat = cheatNamed(name)
  const provider = await lendWith(network, relay.address, providerOf(cheat, parts))
  const verifier =
    cheat.by === 'provider' ? undefined : await lendWith(network, relay.address, cheat.wrap(parts))
  verifier?.provision.pause()
  const suspect = verifier?.name ?? provider.name
  const consumer = await network.node({ relays: [relay.address] })
  const staked: Stakes = {
    of: (peer) => (peer === suspect ? { operator: 'who is suspected', share: 1 } : undefined),
  }
  const unstaked = new ProviderRecord({ clock: realClock })
  const records = verifier ? [unstaked, new ProviderRecord({ clock: realClock, stakes: staked })] : [unstaked]
  const stage: Stage = {
    ...{ network, relay: relay.address, parts, cheat, consumer, records },
    ...{ provider: provider.name, verifier, inTurn: turns() },
  }
  const found = await watch(stage, suspect)
  process.stdout.write(`${JSON.stringify(found)}\n`)
  return found.excluded && !found.harmed ? 0 : 1
}

/** The provider, which is honest unless it is the one who cheats or its accomplice. */
function providerOf(cheat: Cheat, parts: TinyParts): TinyParts['honest'] {
  if (cheat.by === 'provider') return cheat.wrap(parts)
  return cheat.name === 'always-agrees' ? cheatNamed('smaller-model').wrap(parts) : parts.honest
}

interface Found {
  readonly cheat: string
  /** Answers of probes that were checked. */
  readonly probes: number
  /** Questions of the consumer's own that were checked. */
  readonly questions: number
  /** Verdicts that the relay served. */
  readonly published: number
  readonly suspect: PeerName
  readonly excluded: boolean
  /** Whether somebody is excluded who did nothing wrong. */
  readonly harmed: boolean
  readonly verified: 'excluded' | 'not excluded'
}

/** Lets the auditor run and asks questions beside it, until the suspect is excluded. */
async function watch(stage: Stage, suspect: PeerName): Promise<Found> {
  const { provider, parts, cheat, records } = stage
  const state = { probes: 0, questions: 0, published: 0 }
  const until = performance.now() + LIMIT_MS
  const isExcluded = (): boolean => records.every((record) => record.isExcluded(suspect))
  await audit(stage, () => state.probes++)
  while (!isExcluded() && performance.now() < until) {
    const before = state.probes
    // Whom the auditor has found twice it asks no more; what is left to find out are the consumer's questions.
    const isWaiting = (): boolean =>
      state.probes === before && !records.some((each) => each.isExcluded(provider))
    while (isWaiting() && !isExcluded() && performance.now() < until) await pause()
    state.published = Math.max(state.published, await readVerdicts(stage))
    if (isExcluded()) break
    // Who lies is answered by looking for oneself; and nobody's word replaces that.
    const content = QUESTIONS[state.questions++ % QUESTIONS.length] ?? ''
    await stage.inTurn(() => askAndCheck(stage, content))
    console.error(`The record says of the suspect: ${inWords(records, suspect)}`)
  }
  const isHonest = cheat.by !== 'provider' && providerOf(cheat, parts) === parts.honest
  const excluded = isExcluded()
  return {
    ...{ cheat: cheat.name, ...state, suspect, excluded },
    harmed: isHonest && records.some((record) => record.isExcluded(provider)),
    verified: excluded ? 'excluded' : 'not excluded',
  }
}

/** Starts the auditor: the suspect itself where it is the auditor who lies, else one that looks for itself. */
async function audit(stage: Stage, onProbe: () => void): Promise<void> {
  const { network, relay, parts, cheat, provider, verifier, records } = stage
  const isLiar = cheat.by === 'auditor'
  const who = (isLiar ? verifier?.who : undefined) ?? (await network.node({ relays: [relay] }))
  const [record = new ProviderRecord({ clock: realClock })] = records
  await startDemoAuditor(
    {
      ...{ network, relay, parts, who, provider },
      // A liar's own record is of no use to anybody.
      record: isLiar ? new ProviderRecord({ clock: realClock }) : record,
      engine: isLiar ? cheat.wrap(parts) : parts.honest,
      onChecked: async ({ checker, own }) => {
        if (isLiar) return
        note(stage, own)
        if (verifier) note(stage, await stage.inTurn(() => verdictOf(stage, checker, own)))
      },
    },
    (event) => {
      if (event.type === 'failed') console.error(`A probe failed at its ${event.at}: ${event.reason.message}`)
      if (event.type !== 'probed') return
      console.error(
        `A probe: its answer ${event.report.verdict.outcome}, and ${event.relays} relay was told.`,
      )
      onProbe()
    },
  )
}

/** What the relay tells of the provider, as a consumer reads it. Gives how many verdicts there are. */
async function readVerdicts({ consumer, provider, records }: Stage): Promise<number> {
  const ports = recordRegistersOf(consumer.node, realClock, consumer.joined).registers.map(({ port }) => port)
  const found = await findVerdicts(ports, provider, { now: () => realClock.now() })
  for (const record of records)
    await new ToldEvidence({ clock: realClock, record, registers: () => ports }).tell(provider, found)
  return found.length
}

/** A question of the consumer's own, read again here; the suspect's verdict on it is held against that. */
async function askAndCheck(stage: Stage, content: string): Promise<void> {
  const { consumer, parts, verifier, records, provider } = stage
  if (records.some((record) => record.wantsCheck(provider)))
    console.error('Somebody says that it cheats: its next answer is checked here.')
  // A verdict on a few tokens is no lie: one who lies about an answer has to say it of a long one.
  const prompt = (verifier ? longPromptOf : promptOf)(content, parts)
  const { transcript, tokens, summary } = await askAloud(consumer.peer, prompt, parts)
  const own = await checkBy(consumer.peer, transcript, { by: 'self', engine: parts.honest })
  note(stage, own)
  const { contextLength } = parts.honest.info
  const isShort = isEarlyStop(prompt, tokens, { finish: summary.finish, contextLength })
  if (isShort) for (const record of records) record.stoppedEarly(own.provider, own.jobId)
  console.error(`A question: its answer ${own.verdict.outcome}${isShort ? ', and stopped early' : ''}.`)
  if (verifier) note(stage, await verdictOf(stage, consumer.peer, own))
}

async function verdictOf({ verifier, cheat }: Stage, peer: Peer, own: CheckReport): Promise<CheckReport> {
  if (!verifier) throw new Error('Nobody verifies.')
  verifier.provision.resume()
  await untilOffered(verifier.provision)
  try {
    const told = await checkBy(peer, own.transcript, { by: 'peer', profile: 'fp32' })
    console.error(
      `The ${cheat.by} says that it ${told.verdict.outcome}; read here it ${own.verdict.outcome}.`,
    )
    return told
  } finally {
    verifier.provision.pause()
  }
}

function note({ records }: Stage, { jobId, provider, verdict, by, verifier }: CheckReport): void {
  const { outcome, difference, reason, class: seen } = verdict
  const who = by === 'peer' ? verifier : undefined
  for (const record of records)
    record.checked(provider, { jobId, outcome, difference, reason, by, verifier: who, class: seen })
}

function inWords(records: readonly ProviderRecord[], provider: PeerName): string {
  const said = records.map((record) =>
    record
      .explain(provider)
      .map(({ code }) => code)
      .join(', '),
  )
  return `${[...new Set(said)].map((each) => each || 'nothing yet').join('; with a stake: ')}.`
}

function turns(): Stage['inTurn'] {
  let last: Promise<unknown> = Promise.resolve()
  return (act) => {
    const run = last.then(act)
    last = run.catch(() => undefined)
    return run
  }
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 100))
