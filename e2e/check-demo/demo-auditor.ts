import { recordRegistersOf } from '#shared/peer/record-registers.ts'
import type { PeerName } from '#shared/base/ids.ts'
import { askProbe } from '#shared/client/ask-probe.ts'
import { defaultsOf } from '#shared/client/model-defaults.ts'
import type { Engine } from '#shared/engine/engine.ts'
import type { CheckBy, CheckReport } from '#shared/peer/check-events.ts'
import type { Peer } from '#shared/peer/peer.ts'
import { MAX_QUERY_OFFERS } from '#shared/schedule/constants.ts'
import type { ProviderRecord } from '#shared/schedule/record/provider-record.ts'
import type { Transcript } from '#shared/stream/transcript.ts'
import type { TinyParts } from '#shared/testing/cheats/tiny-parts.ts'
import { realClock, realRandom } from '#shared/testing/real-clock.ts'
import { Auditor, type AuditEvent, type ProbeAnswer } from '#shared/verify/audit/auditor.ts'
import { signVerdict } from '#shared/verify/verdict.ts'
import { createFreshAsker } from '../../relay/audit/fresh-asker.ts'
import type { TestNetwork, TestPeerNode } from '../peers/test-network.ts'

/** Fast enough to watch; chance decides the moments. */
const PROBES_PER_HOUR = 1800

interface Answer extends ProbeAnswer {
  readonly checker: Peer
}

export interface DemoAuditorInit {
  readonly network: TestNetwork
  readonly relay: string
  readonly parts: TinyParts
  /** Signs and publishes. */
  readonly who: TestPeerNode
  /** Reads the answers: one that lies makes the auditor a liar. */
  readonly engine: Engine
  /** Learns from the probes as a consumer's does. */
  readonly record: ProviderRecord
  /** Who is probed. */
  readonly provider: PeerName
  /** What else is done with an answer that was read here. */
  readonly onChecked?: (checked: { readonly checker: Peer; readonly own: CheckReport }) => Promise<void>
}

/** An auditor as a relay has one, on a Node peer: it asks under fresh names, reads the answers here, and tells the relay. */
export async function startDemoAuditor(
  { network, relay, parts, who, engine, record, provider, onChecked }: DemoAuditorInit,
  onEvent: (event: AuditEvent) => void,
): Promise<void> {
  const { model, honest } = parts
  const directory = await network.client([relay])
  const { answerTokens, sampler } = defaultsOf(model.manifest)
  const { contextLength } = honest.info
  const choice = { model: honest.info.model, answerTokens, sampler, contextLength }
  const auditor = new Auditor<Answer>(
    {
      clock: realClock,
      random: realRandom,
      ports: {
        targets: async () => [{ provider, model: honest.info.model }],
        ask: async (prompt, target, { signal }) => {
          const asker = await createFreshAsker(
            { clock: realClock, directory, record, limit: MAX_QUERY_OFFERS },
            { relays: [relay], hides: false, target },
            { signal },
          )
          const ask = { peer: asker.asker, choice, tokenizer: model.tokenizer }
          try {
            const transcript = await askProbe(ask, prompt, provider, { signal })
            return { transcript, checker: asker.checker, release: () => asker.stop() }
          } catch (thrown) {
            await asker.stop()
            throw thrown
          }
        },
        check: async ({ transcript, checker }) => {
          const own = await checkBy(checker, transcript, { by: 'self', engine })
          await onChecked?.({ checker, own })
          return {
            verifier: who.peer.name,
            verdict: own.verdict,
            signed: await signVerdict(own.verdict, who.key),
          }
        },
        publish: async (verdict, { signal }) => {
          const { registers } = recordRegistersOf(who.node, realClock, who.joined)
          for (const { port } of registers) await port.publishVerdict(verdict, { signal })
          return registers.length
        },
      },
      onEvent,
    },
    { probesPerHour: PROBES_PER_HOUR },
  )
  auditor.start()
  network.defer(() => auditor.stop())
}

/** @throws what `Peer.check` throws */
export async function checkBy(peer: Peer, transcript: Transcript, by: CheckBy): Promise<CheckReport> {
  for await (const event of peer.check(transcript, by)) if (event.type === 'done') return event.report
  throw new Error('The check ended without a report.')
}
