import { createHash } from 'node:crypto'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { beforeAll, describe, expect, it } from 'vitest'
import { jobId, modelHash, peerName, type PeerName } from '#shared/base/ids.ts'
import { epochMillis, MINUTE_MS } from '#shared/base/units.ts'
import { ProviderRecord } from '#shared/schedule/record/provider-record.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { countingRandom } from '#shared/testing/peers.ts'
import { someVerdict } from '#shared/testing/verdicts.ts'
import { GOLDEN_LIFE_MS } from '#shared/verify/board/constants.ts'
import { GoldenBook } from '#shared/verify/board/golden-book.ts'
import { localRecords } from '#shared/verify/board/local-records.ts'
import { ToldEvidence } from '#shared/verify/board/told-evidence.ts'
import { VerdictBook, type SignedVerdict } from '#shared/verify/board/verdict-book.ts'
import { openGolden, signGolden } from '#shared/verify/golden/golden-sketches.ts'
import { OUTCOMES, signVerdict, type Outcome, type Verdict } from '#shared/verify/verdict.ts'
import { trustHomeOf } from '../../web/state/shell/trust-home.ts'

const PROVIDERS = 200
const VERIFIERS = 10
const model = modelHash('ab'.repeat(32))
/** Halves whose numbers are apart: 1, 2, 4 and 8. */
const CLASSES = [0x3c00, 0x4000, 0x4400, 0x4800]
/** Of ten: seven agree, one differs, two come to nothing. */
const outcomeOf = (n: number): Outcome => (n % 10 < 7 ? 'agrees' : n % 10 < 8 ? 'differs' : 'inconclusive')
const foundOf = (n: number): Pick<Verdict, 'outcome' | 'reason' | 'difference'> => {
  const outcome = outcomeOf(n)
  const reason = outcome === 'inconclusive' ? 'too-short' : undefined
  return { outcome, reason, difference: outcome === 'differs' ? 'tokens' : undefined }
}
/** A slow machine under load takes some of these; without an index it would be minutes. */
const LIMIT_MS = 20_000

interface Who {
  readonly name: PeerName
  readonly key: PrivateKey
}

async function who(name: string): Promise<Who> {
  const seed = createHash('sha256').update(name).digest()
  const key = await generateKeyPairFromSeed('Ed25519', new Uint8Array(seed))
  return { key, name: peerName(key.publicKey.toString()) }
}

describe('a relay that heard of 2000 verdicts about 200 providers, and a page that asks it', () => {
  const clock = new FakeClock()
  const golden = new GoldenBook({ clock, random: countingRandom(), open: openGolden })
  const verdicts = new VerdictBook({ clock, knows: (name) => golden.knows(name) })
  const record = new ProviderRecord({ clock })
  const port = localRecords(peerName('relay'), { golden, verdicts })
  const told = new ToldEvidence({ clock, record, registers: () => [port] })
  const home = trustHomeOf({ registers: [port] }, { record, told, clock })
  const { signal } = new AbortController()
  const took: Record<string, number> = {}
  let providers: Who[]
  let verifiers: Who[]
  let made: SignedVerdict[]
  const measured = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const before = performance.now()
    const done = await work()
    took[what] = Math.round(performance.now() - before)
    return done
  }

  beforeAll(async () => {
    providers = await Promise.all(Array.from({ length: PROVIDERS }, (_, n) => who(`provider ${n}`)))
    verifiers = await Promise.all(Array.from({ length: VERIFIERS }, (_, n) => who(`verifier ${n}`)))
    const at = epochMillis(clock.now() - MINUTE_MS)
    for (const [n, { name, key }] of providers.entries()) {
      const sketches = new Uint16Array(32).fill(CLASSES[n % CLASSES.length] ?? 0)
      const expiresAt = epochMillis(at + GOLDEN_LIFE_MS)
      const seen = { backend: 'webgpu', adapter: `adapter ${n}`, build: 'onnxruntime-web 1' } as const
      await golden.publish(
        { provider: name, golden: await signGolden({ model, class: seen, sketches, at, expiresAt }, key) },
        `street ${n % 20}`,
      )
    }
    made = await Promise.all(
      providers.flatMap((provider, i) =>
        verifiers.map(async ({ name, key }, j) => {
          const id = jobId((i * VERIFIERS + j).toString(16).padStart(32, '0'))
          const verdict = someVerdict(provider, { model, jobId: id, ...foundOf(j), at })
          return { verifier: name, verdict: await signVerdict(verdict, key) }
        }),
      ),
    )
  }, 120_000)

  it('keeps all that is signed and refuses what is forged, unsigned or signed by another one', async () => {
    await measured('publishing 2000', async () => {
      for (const verdict of made) await verdicts.publish(verdict)
    })
    const refused = async (verdict: SignedVerdict): Promise<void> => {
      await expect(verdicts.publish(verdict)).rejects.toMatchObject({ code: 'wire.bad-signature' })
    }
    for (const [n, { verifier, verdict }] of made.entries()) {
      if (n % 40 > 0) continue
      const other = verifiers[(n / 40 + 1) % VERIFIERS]?.name ?? verifier
      if (other !== verifier) await refused({ verifier: other, verdict })
      await refused({ verifier, verdict: { ...verdict, signature: new Uint8Array(64) } })
      await refused({
        verifier,
        verdict: { ...verdict, body: verdict.body.map((byte, i) => (i === 40 ? byte ^ 1 : byte)) },
      })
    }
    expect(verdicts.size).toBe(PROVIDERS * VERIFIERS)
    expect(took['publishing 2000']).toBeLessThan(LIMIT_MS)
  }, 120_000)

  it('counts the day rightly, whatever was refused', async () => {
    const counts = await measured('counting', () => home.counts({ signal }))
    expect(counts?.all).toEqual({ agrees: 1400, differs: 200, inconclusive: 400 })
    expect(counts?.staked).toEqual({ agrees: 0, differs: 0, inconclusive: 0 })
    expect(took['counting']).toBeLessThan(LIMIT_MS / 10)
  })

  it('draws the machines of the first providers as classes, within a bound of its own', async () => {
    const names = providers.map(({ name }) => name)
    const map = await measured('the map of classes', () => home.machines(model, { providers: names, signal }))
    expect(map.classes).toHaveLength(CLASSES.length)
    // A table of more would be read by nobody.
    expect(map.classes.flat()).toHaveLength(48)
    expect(map.distances.map((row) => row.length)).toEqual([4, 4, 4, 4])
    for (const [i, row] of map.distances.entries())
      for (const [j, distance] of row.entries())
        if (i === j) expect(distance).toBe(0)
        else expect(distance).toBeGreaterThan(0.5)
    expect(took['the map of classes']).toBeLessThan(LIMIT_MS)
  }, 60_000)

  it('tells of each provider what was said, and of a relay that adds forged ones nothing more', async () => {
    const liar = {
      ...port,
      findVerdicts: async (provider: PeerName) =>
        (await port.findVerdicts(provider)).flatMap((each) => [
          each,
          { ...each, verdict: { ...each.verdict, signature: new Uint8Array(64) } },
          { ...each, verifier: verifiers[0]?.name ?? each.verifier },
        ]),
    }
    const pages = trustHomeOf({ registers: [port, liar] }, { record, told, clock })
    await measured('reading about 200', async () => {
      for (const { name } of providers) {
        const said = await pages.verdictsAbout(name, { signal })
        const counts = OUTCOMES.map(
          (outcome) => said.filter(({ verdict }) => verdict.outcome === outcome).length,
        )
        expect(counts).toEqual(
          OUTCOMES.map((outcome) => verifiers.filter((_, j) => outcomeOf(j) === outcome).length),
        )
        // Strangers without stake: nobody is excluded, and all are worth a look.
        expect([record.isExcluded(name), record.wantsCheck(name)]).toEqual([false, true])
      }
    })
    expect(took['reading about 200']).toBeLessThan(2 * LIMIT_MS)
    console.error(`many records, in ms: ${JSON.stringify(took)}`)
  }, 120_000)
})
