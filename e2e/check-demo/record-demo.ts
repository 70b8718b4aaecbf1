import type { PeerName } from '#shared/base/ids.ts'
import type { CheckBy, CheckReport } from '#shared/peer/check-events.ts'
import { isEarlyStop } from '#shared/peer/early-stop.ts'
import type { Peer, Provision } from '#shared/peer/peer.ts'
import { ProviderRecord } from '#shared/schedule/record/provider-record.ts'
import type { Transcript } from '#shared/stream/transcript.ts'
import { cheatNamed, type Cheat } from '#shared/testing/cheats/cheats.ts'
import { loadTinyParts, type TinyParts } from '#shared/testing/cheats/tiny-parts.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { startRelayProcess } from '../fixtures/relay-process.ts'
import { TestNetwork } from '../peers/test-network.ts'
import { askAloud, promptOf } from './ask-aloud.ts'
import { lend, untilOffered } from './verifiers.ts'

/** What a recogniser of probes has read of the auditors' prompts; the rest of the probes it has never seen. */
const KNOWN_PROBES = ['Tell me a story about a cat.', 'Write a short story about a dog and a hat.']
const PROBES = [
  ...KNOWN_PROBES,
  'Tell me a story about a fox and a lantern.',
  'Write a short story about an owl and a bell.',
  'Tell me a story about a bear and a kite.',
  'Tell me a story about a duck and a map.',
]

/** The network of such a demo: one who provides, perhaps one who verifies, and whoever probes them. */
interface Stage {
  readonly network: TestNetwork
  readonly relay: string
  readonly parts: TinyParts
  readonly record: ProviderRecord
  readonly cheat: Cheat
  /** Where a verifier is to be found out: it can be asked while it is resumed, so that it never writes an answer. */
  readonly verifier: Provision | undefined
}

/**
 * Probes with prompts until the record excludes who cheats. Each probe is asked under a fresh name, and the answer is read
 * by an engine of the prober's own. A verifier is probed by asking it for the verdict on an answer that was read already.
 * The last line is one JSON object.
 *
 * @returns the exit code: 0 when the cheat is excluded, and nobody honest is
 */
export async function probeUntilExcluded(name: string): Promise<number> {
  await using network = new TestNetwork()
  const relay = await startRelayProcess({ args: ['--seed-provider', 'off'] })
  network.defer(() => relay.stop())
  const isProbe = (prompt: readonly number[]): boolean => known.has(prompt.join())
  const parts = await loadTinyParts({ isProbe })
  network.defer(() => parts.close())
  const known = new Set(KNOWN_PROBES.map((content) => promptOf(content, parts).promptTokens.join()))
  const cheat = cheatNamed(name)
  const record = new ProviderRecord({ clock: realClock })
  await lend(network, relay.address, providerOf(cheat, parts))
  const verifier = cheat.by === 'provider' ? undefined : await lend(network, relay.address, cheat.wrap(parts))
  verifier?.pause()
  const stage = { network, relay: relay.address, parts, record, cheat, verifier }
  const harmed = new Set<PeerName>()
  let probes = 0
  for (const content of PROBES) {
    probes++
    const { suspect, bystander } = await probe(stage, content)
    if (bystander && record.isExcluded(bystander)) harmed.add(bystander)
    if (!record.isExcluded(suspect)) continue
    process.stdout.write(
      `${JSON.stringify({ cheat: name, probes, suspect, excluded: true, verified: 'excluded' })}\n`,
    )
    return harmed.size === 0 ? 0 : 1
  }
  process.stdout.write(
    `${JSON.stringify({ cheat: name, probes, excluded: false, verified: 'not excluded' })}\n`,
  )
  return 1
}

/** The provider, which is honest unless it is the one who cheats or its accomplice. */
function providerOf(cheat: Cheat, parts: TinyParts): TinyParts['honest'] {
  if (cheat.by === 'provider') return cheat.wrap(parts)
  return cheat.name === 'always-agrees' ? cheatNamed('smaller-model').wrap(parts) : parts.honest
}

interface Probed {
  /** Who is to be found out. */
  readonly suspect: PeerName
  /** Who did nothing wrong, and must not suffer for it. */
  readonly bystander: PeerName | undefined
}

/** One probe, noted in the record. */
async function probe(stage: Stage, content: string): Promise<Probed> {
  const { network, relay, parts, record, verifier } = stage
  const { peer } = await network.node({ relays: [relay] })
  const prompt = promptOf(content, parts)
  const { tokens, transcript, summary } = await askAloud(peer, prompt, parts)
  const own = await checkBy(peer, transcript, { by: 'self', engine: parts.honest })
  const { jobId, provider, verdict } = own
  const { outcome, difference, reason } = verdict
  record.checked(provider, { jobId, outcome, difference, reason, by: 'self', verifier: undefined })
  const { contextLength } = parts.honest.info
  if (isEarlyStop(prompt, tokens, { finish: summary.finish, contextLength }))
    record.stoppedEarly(provider, jobId)
  console.error(`A probe: its answer ${outcome}. ${inWords(record, provider)}`)
  if (!verifier) return { suspect: provider, bystander: undefined }
  verifier.resume()
  await untilOffered(verifier)
  const told = await checkBy(peer, transcript, { by: 'peer', profile: 'fp32' })
  verifier.pause()
  return noteVerdict(record, { told, own })
}

/** Holds what a verifier says against what an engine of one's own found. */
function noteVerdict(
  record: ProviderRecord,
  { told, own }: { readonly told: CheckReport; readonly own: CheckReport },
): Probed {
  const { verifier, provider, verdict, jobId } = told
  record.told({ provider, verifier, verdict })
  // It put its name to numbers that are not so.
  if (verdict.outcome !== own.verdict.outcome)
    record.checked(verifier, {
      jobId,
      outcome: 'differs',
      difference: 'tokens',
      by: 'self',
      verifier: undefined,
    })
  console.error(`A verifier says that it ${verdict.outcome}. ${inWords(record, verifier)}`)
  return { suspect: verifier, bystander: own.verdict.outcome === 'agrees' ? provider : undefined }
}

async function checkBy(peer: Peer, transcript: Transcript, by: CheckBy): Promise<CheckReport> {
  for await (const event of peer.check(transcript, by)) if (event.type === 'done') return event.report
  throw new Error('The check ended without a report.')
}

function inWords(record: ProviderRecord, provider: PeerName): string {
  return `The record: ${
    record
      .explain(provider)
      .map(({ code }) => code)
      .join(', ') || 'nothing yet'
  }.`
}
