import { jobId, peerName, type JobId, type PeerName } from '../base/ids.ts'
import { epochMillis, millis } from '../base/units.ts'
import type { CheckOutcome, Staked } from '../schedule/record/heard.ts'
import { ProviderRecord } from '../schedule/record/provider-record.ts'
import { FakeClock } from './fake-clock.ts'

const name = (digit: string): PeerName => peerName(`12D3KooW${'A'.repeat(43)}${digit}`)
export const [provider, other, alice, bob, carol] = ['P', 'Q', 'B', 'C', 'D'].map(name) as [
  PeerName,
  PeerName,
  PeerName,
  PeerName,
  PeerName,
]
/** By one hexadecimal digit. */
export const job = (digit: string): JobId => jobId(digit.repeat(32))
/** A quote that was kept. */
export const quick = { observedMs: millis(100), predictedMs: millis(100) }

/** Alice and Bob have what counts in full, on other machines and of other operators; Carol has half of it. */
export const auditors: Readonly<Record<PeerName, Staked>> = {
  [alice]: { operator: 'alice', share: 1, class: 'wasm' },
  [bob]: { operator: 'bob', share: 1, class: 'webgpu' },
  [carol]: { operator: 'carol', share: 0.5, class: 'webgpu' },
}

/** A record, and short ways to tell it something of `provider`. */
export function recordScene(
  staked: Readonly<Record<PeerName, Staked>> = {},
  { clock = new FakeClock(), stored }: { readonly clock?: FakeClock; readonly stored?: unknown } = {},
) {
  const record = new ProviderRecord({ clock, stakes: { of: (peer) => staked[peer] } }, stored)
  const own = (outcome: CheckOutcome, digit = '1') =>
    record.checked(provider, {
      ...{ jobId: job(digit), outcome, difference: outcome === 'differs' ? 'tokens' : undefined },
      ...{ by: 'self', verifier: undefined },
    })
  const tells = (verifier: PeerName, outcome: CheckOutcome, digit = '1', at: number = clock.now()) =>
    record.told({
      ...{ provider, verifier },
      verdict: {
        ...{ jobId: job(digit), outcome, difference: outcome === 'differs' ? 'sketches' : undefined },
        ...{ class: { backend: 'wasm' }, at: epochMillis(at) },
      },
    })
  const standing = (testedAt = 0) =>
    record.standingOf({ provider, selfTest: { right: 1, total: 1, testedAt: epochMillis(testedAt) } })
  const beliefs = () => record.of('text-generation').beliefsIn(provider)
  return { clock, record, text: record.of('text-generation'), own, tells, standing, beliefs }
}
