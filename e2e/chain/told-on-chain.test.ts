import { createPublicClient, http } from 'viem'
import { foundry } from 'viem/chains'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { jobId, peerName, type PeerName } from '#shared/base/ids.ts'
import { KnownStakes } from '#shared/chain/known-stakes.ts'
import { operatorReader } from '#shared/chain/operator-reader.ts'
import { recordRegistersOf } from '#shared/peer/record-registers.ts'
import { NO_STAKES, type Stakes } from '#shared/schedule/record/heard.ts'
import { ProviderRecord } from '#shared/schedule/record/provider-record.ts'
import { makePeer, type TestPeer } from '#shared/testing/peers.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { someVerdict } from '#shared/testing/verdicts.ts'
import type { RecordsPort } from '#shared/verify/board/records-port.ts'
import { ToldEvidence } from '#shared/verify/board/told-evidence.ts'
import { signVerdict } from '#shared/verify/verdict.ts'
import type { Relay } from '../../relay/create-relay.ts'
import { until } from '../../relay/testing/fixtures.ts'
import {
  fakeEngine,
  hear,
  MODEL,
  OWN_SOCKET,
  promptOf,
  TERMS,
  TestNetwork,
  type TestPeerNode,
} from '../peers/test-network.ts'
import { findAnvil } from './find-anvil.ts'
import { registerStake } from './register-stake.ts'
import { startTestChain, type TestChain } from './test-chain.ts'

const CLASSES = ['wasm', 'webgpu'] as const

describe.skipIf(findAnvil() === undefined)(
  'what auditors tell of a provider, with stake on a real chain',
  () => {
    const network = new TestNetwork()
    let chain: TestChain
    let relay: Relay
    let told: RecordsPort

    beforeAll(async () => {
      chain = await startTestChain()
      relay = await chain.relay({}, { blockSeconds: 0.1 })
      const { node, joined } = await network.node({ relays: relay.addresses })
      const [register] = recordRegistersOf(node, realClock, joined).registers
      if (!register) throw new Error('no relay is up')
      told = register.port
    }, 60_000)
    afterAll(async () => {
      await network[Symbol.asyncDispose]()
      await chain[Symbol.asyncDispose]()
    })

    const nameOf = ({ node }: TestPeerNode): PeerName => peerName(node.peerId.toString())
    async function provide(): Promise<TestPeerNode> {
      const who = await network.node({ listen: [OWN_SOCKET], relays: relay.addresses })
      const provision = who.peer.provide(fakeEngine({ answerLength: 8 }), TERMS)
      await until('the offer is accepted', () => provision.offerAcceptedAt !== undefined)
      return who
    }
    /** Two who never met the consumer say of two answers that they differ. */
    async function accuse(provider: PeerName, auditors: readonly TestPeer[]): Promise<void> {
      for (const [i, auditor] of auditors.entries()) {
        const verdict = someVerdict(
          { name: provider },
          {
            ...{ model: MODEL, at: realClock.now(), outcome: 'differs', difference: 'tokens' },
            jobId: jobId(String(i + 1).repeat(32)),
            class: { backend: CLASSES[i] ?? 'wasm', adapter: 'some', build: 'some' },
          },
        )
        await told.publishVerdict({
          verifier: auditor.name,
          verdict: await signVerdict(verdict, auditor.key),
        })
      }
    }
    /** Knows the relay, and the chain by the relay's read path, as the page does. */
    async function consumer({ hasChain = true } = {}) {
      const transport = http(new URL('/rpc', relay.httpUrl).href)
      const client = createPublicClient({ chain: foundry, transport })
      const known = new KnownStakes({
        clock: realClock,
        read: operatorReader(client, {
          chainId: chain.network.chainId,
          stake: chain.network.contracts.stake,
        }),
      })
      const stakes: Stakes = hasChain ? known : NO_STAKES
      const record = new ProviderRecord({ clock: realClock, stakes })
      const who = await network.node({
        relays: relay.addresses,
        record,
        toldBy: (registers) =>
          new ToldEvidence({ clock: realClock, record, registers, ...(hasChain && { stakes: known }) }),
      })
      const writers = async (times: number): Promise<ReadonlySet<PeerName>> => {
        const names = new Set<PeerName>()
        for (let i = 0; i < times; i++) {
          const { summary } = await hear(who.peer, promptOf())
          for (const { provider } of summary?.segments ?? []) names.add(provider)
        }
        return names
      }
      return { record, peer: who.peer, writers }
    }
    const standingOf = (record: ProviderRecord, provider: PeerName) =>
      record.standingOf({ provider, selfTest: { right: 1, total: 1 } })

    it('excludes it before it was ever met, where two have stake; without stake only a check is wanted', async () => {
      const [accused, suspected] = [nameOf(await provide()), nameOf(await provide())]
      const staked = [await makePeer(), await makePeer()]
      for (const auditor of staked) await registerStake(chain, auditor)
      await accuse(accused, staked)
      await accuse(suspected, [await makePeer(), await makePeer()])
      await until('the relay knows of the stakes', async () => {
        const served = await told.findVerdicts(accused)
        return served.length === 2 && served.every((each) => each.staked !== undefined)
      })

      const one = await consumer()
      await one.peer.look() // as a page does from its start
      await until('it is excluded', () => one.record.isExcluded(accused))
      await until('the other is wanted', () => one.record.wantsCheck(suspected))
      expect(one.record.explain(accused).map(({ code }) => code)).toEqual(
        expect.arrayContaining(['excluded', 'told']),
      )
      expect(standingOf(one.record, suspected)).toBe('open')
      expect(one.record.explain(suspected).map(({ code }) => code)).not.toContain('told')
      expect(await one.writers(4), 'it stays in the draw').toEqual(new Set([suspected]))

      const chainless = await consumer({ hasChain: false })
      await chainless.peer.look()
      for (const name of [accused, suspected])
        await until('a check is wanted', () => chainless.record.wantsCheck(name))
      expect([accused, suspected].map((name) => standingOf(chainless.record, name))).toEqual(['open', 'open'])
      const first = await chainless.writers(1)
      expect([...first].every((name) => [accused, suspected].includes(name))).toBe(true)
    }, 60_000)
  },
)
