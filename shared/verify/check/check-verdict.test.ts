import { beforeAll, describe, expect, it } from 'vitest'
import { jobId } from '../../base/ids.ts'
import { baseUnits, epochMillis } from '../../base/units.ts'
import { floatToHalf } from '../../engine/score/half.ts'
import { SKETCH_SIZE } from '../../engine/score/sketch.ts'
import type { Question } from '../../stream/question.ts'
import { makePeer, someModel, type TestPeer } from '../../testing/peers.ts'
import { envelopeHash } from '../calibration/envelope.ts'
import { unmeasuredEnvelope } from '../calibration/hard-limits.ts'
import { joinSketches } from '../statistics/sketch-distance.ts'
import { openVerdict, signVerdict, type Verdict } from '../verdict.ts'
import { checkVerdict, type ShownVerdict } from './check-verdict.ts'
import { judge } from './judge.ts'
import { bindOwnSketches } from './own-sketches.ts'

const envelope = unmeasuredEnvelope('fp32')
const TOKENS = 40
const salt = new Uint8Array(32).fill(3)
const sketchesOf = (shift: number): Uint16Array[] =>
  Array.from({ length: TOKENS }, (_, at) =>
    Uint16Array.from({ length: SKETCH_SIZE }, (_, i) => floatToHalf(Math.sin(at * 16 + i) + shift * (i % 2))),
  )
const openedOf = (sketches: readonly Uint16Array[]) =>
  sketches.map((sketch, i) => ({ position: 5 + i, sketch }))

describe('a verdict', () => {
  let verifier: TestPeer
  let provider: TestPeer

  beforeAll(async () => {
    verifier = await makePeer()
    provider = await makePeer()
  })

  const proven = () => ({
    ...{ jobId: jobId('ab'.repeat(16)), provider: provider.name, head: new Uint8Array(32).fill(9), from: 5 },
    tokens: Array.from({ length: TOKENS }, (_, i) => i),
    roots: [{ from: 5, count: TOKENS, root: new Uint8Array(32) }],
    question: { model: someModel() } as Question,
    ...{ due: baseUnits(0n), quote: undefined, nonce: undefined },
  })

  /** What an honest verifier shows, of tokens with these margins; `theirs` is what the provider opened. */
  const shownBy = (
    own: readonly Uint16Array[],
    theirs: readonly Uint16Array[],
    margins = Array<number>(TOKENS).fill(0),
  ): ShownVerdict => {
    const opened = openedOf(theirs)
    const scores = own.map((sketch, at) => ({ sketch, margin: margins[at] ?? 0 }))
    const { from, roots } = proven()
    const judgement = judge({ scores, from, roots, opened, envelope })
    const joined = joinSketches(own)
    const verdict: Verdict = {
      ...{ jobId: proven().jobId, provider: provider.name, model: someModel(), head: proven().head },
      ...judgement,
      class: { backend: 'wasm', adapter: 'cpu', build: 'onnxruntime-web 1.30.0' },
      ...{ envelope: envelopeHash(envelope), commitment: bindOwnSketches(joined, salt) },
      ...{ cost: baseUnits(12n), at: epochMillis(1_800_000_000_000) },
    }
    return { verdict, own: joined, salt, margins, opened, proven: proven(), envelope }
  }
  const refusal = (reason: string) =>
    expect.objectContaining({ code: 'verify.bad-verdict', facts: { reason } }) as Error

  it('that follows from what is shown is taken, whatever it says', async () => {
    const margins = Array.from({ length: TOKENS }, (_, i) => (i < 5 ? 0.3 * i : 0))
    margins[9] = Infinity
    for (const shown of [
      shownBy(sketchesOf(0), sketchesOf(0)),
      shownBy(sketchesOf(0), sketchesOf(0.5)),
      shownBy(sketchesOf(0), sketchesOf(0.001)),
      shownBy(sketchesOf(0), sketchesOf(0), margins),
      shownBy(sketchesOf(0), []),
    ]) {
      checkVerdict(shown)
      checkVerdict({ ...shown, margins: undefined })
      // And it survives being signed and read.
      const read = await openVerdict(await signVerdict(shown.verdict, verifier.key), verifier.name)
      checkVerdict({ ...shown, verdict: read })
    }
  })

  const agreeing = () => shownBy(sketchesOf(0), sketchesOf(0))
  const saying = (changes: Partial<Verdict>, shown = agreeing()): ShownVerdict => ({
    ...shown,
    verdict: { ...shown.verdict, ...changes },
  })

  it.each<[string, string, () => ShownVerdict]>([
    ['another job', 'job', () => saying({ jobId: jobId('cd'.repeat(16)) })],
    ['another provider', 'job', () => saying({ provider: verifier.name })],
    ['another chain of chunks', 'chain', () => saying({ head: new Uint8Array(32) })],
    ['another model', 'model', () => saying({ model: someModel('b') })],
    ['another envelope', 'envelope', () => saying({ envelope: new Uint8Array(32) })],
    ['sketches of fewer tokens', 'sketches', () => ({ ...agreeing(), own: agreeing().own.slice(16) })],
    ['another salt', 'commitment', () => ({ ...agreeing(), salt: new Uint8Array(32) })],
    ['fewer margins than tokens', 'margins', () => ({ ...agreeing(), margins: [0] })],
    [
      'margins that are not in its numbers',
      'numbers',
      () => ({ ...agreeing(), margins: Array<number>(TOKENS).fill(1) }),
    ],
    [
      'openings that it did not count',
      'numbers',
      () => ({ ...agreeing(), opened: agreeing().opened!.slice(1) as [] }),
    ],
  ])('about %s is refused', (_, reason, make) => {
    expect(() => checkVerdict(make())).toThrow(refusal(reason))
  })

  it('that shows the provider’s sketches for its own breaks what it was bound to', () => {
    const shown = shownBy(sketchesOf(0.2), sketchesOf(0))
    expect(() => checkVerdict({ ...shown, own: joinSketches(sketchesOf(0)) })).toThrow(refusal('commitment'))
  })

  it('of one who always agrees and never read is found out', () => {
    const invented = shownBy(sketchesOf(3), sketchesOf(0))
    const { findings } = shownBy(sketchesOf(0), sketchesOf(0)).verdict
    const agrees = { outcome: 'agrees', reason: undefined, difference: undefined } as const
    expect(invented.verdict.outcome).toBe('differs')
    expect(() => checkVerdict(saying({ ...agrees, findings }, invented))).toThrow(refusal('numbers'))
    expect(() => checkVerdict(saying(agrees, invented))).toThrow(refusal('outcome'))
  })

  it('that accuses where its own numbers do not is found out', () => {
    const differs = { outcome: 'differs', difference: 'tokens' } as const
    expect(() => checkVerdict(saying(differs))).toThrow(refusal('outcome'))
    const forged = shownBy(sketchesOf(0), sketchesOf(0))
    expect(() => checkVerdict({ ...forged, opened: 'forged' })).toThrow(refusal('numbers'))
  })
})
