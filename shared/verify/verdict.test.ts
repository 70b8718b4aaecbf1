import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { jobId } from '../base/ids.ts'
import { baseUnits, epochMillis } from '../base/units.ts'
import { makePeer, someModel, type TestPeer } from '../testing/peers.ts'
import { signBytes } from '../wire/signed.ts'
import { openVerdict, signVerdict, type Findings, type Verdict } from './verdict.ts'

describe('a signed verdict', () => {
  let verifier: TestPeer
  let verdict: Verdict

  beforeAll(async () => {
    verifier = await makePeer()
    const findings: Findings = {
      ...{ tokens: 64, margins: [60, 2, 1, 1], largestMargin: 0.75, meanMargin: 0.01 },
      ...{ opened: 32, sketchDistance: 1e-4, largestSketchDistance: 1e-3 },
    }
    verdict = {
      ...{ jobId: jobId('ab'.repeat(16)), provider: (await makePeer()).name, model: someModel() },
      ...{ head: new Uint8Array(32), outcome: 'agrees', reason: undefined, difference: undefined, findings },
      class: { backend: 'wasm', adapter: 'cpu', build: 'onnxruntime-web 1.30.0' },
      ...{ envelope: new Uint8Array(32), commitment: new Uint8Array(32) },
      ...{ cost: baseUnits(9n), at: epochMillis(1_800_000_000_000) },
    }
  })

  it.each<Partial<Verdict>>([
    {},
    { outcome: 'inconclusive', reason: 'withheld' },
    { outcome: 'differs', difference: 'sketches' },
  ])('comes back as it was: %j', async (changes) => {
    const said = { ...verdict, ...changes }
    expect(await openVerdict(await signVerdict(said, verifier.key), verifier.name)).toEqual(said)
  })

  it.each<[string, (findings: Findings) => Partial<Verdict>]>([
    ['a reason without its outcome', () => ({ reason: 'between' })],
    ['no reason for coming to nothing', () => ({ outcome: 'inconclusive' })],
    ['a difference that it does not accuse of', () => ({ difference: 'tokens' })],
    ['categories that do not add up', (findings) => ({ findings: { ...findings, tokens: 65 } })],
    ['more openings than tokens', (findings) => ({ findings: { ...findings, opened: 65 } })],
  ])('is refused with %s', async (_, change) => {
    const signed = await signVerdict({ ...verdict, ...change(verdict.findings) }, verifier.key)
    await expect(openVerdict(signed, verifier.name)).rejects.toMatchObject({ code: 'verify.bad-verdict' })
  })

  it('is refused in another name', async () => {
    const signed = await signVerdict(verdict, verifier.key)
    await expect(openVerdict(signed, verdict.provider)).rejects.toMatchObject({ code: 'wire.bad-signature' })
  })

  it('is read or refused with a code, whatever was signed', async () => {
    const { body } = await signVerdict(verdict, verifier.key)
    const inputs = fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      fc.tuple(fc.nat(body.length - 1), fc.nat(255)).map(([at, byte]) => body.with(at, byte)),
      fc.nat(body.length - 1).map((end) => body.slice(0, end)),
    )
    await fc.assert(
      fc.asyncProperty(inputs, async (bytes) => {
        const signature = await signBytes('verdict', bytes, verifier.key)
        const read = await openVerdict({ body: bytes, signature }, verifier.name).catch((thrown: unknown) => {
          expect((thrown as { code: string }).code).toMatch(/^(wire\.malformed|verify\.bad-verdict)$/)
        })
        if (!read) return
        const { tokens, margins, opened } = read.findings
        expect(margins.reduce((sum, each) => sum + each)).toBe(tokens)
        expect(opened).toBeLessThanOrEqual(tokens)
      }),
      { numRuns: 200 },
    )
  })
})
