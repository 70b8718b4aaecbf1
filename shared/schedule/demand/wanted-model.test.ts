import { describe, expect, it } from 'vitest'
import { someModel } from '../../testing/peers.ts'
import { SWAP_GAIN, wantedModel, worthOf, type WantedCandidate } from './wanted-model.ts'

const [A, B] = [someModel('a'), someModel('b')]
const candidate = (changes: Partial<WantedCandidate> = {}): WantedCandidate => ({
  ...{ model: A, share: 0.5, loaded: 0, price: 2, tokensPerSecond: 10, loadSeconds: 0, fits: true },
  ...changes,
})
/** 32 random bits of 2^32 times `share`. */
const at = (share: number) => ({
  bytes: (length: number): Uint8Array<ArrayBuffer> => {
    const bytes = new Uint8Array(length)
    new DataView(bytes.buffer).setUint32(0, Math.floor(share * 2 ** 32))
    return bytes
  },
})

describe('what lending a model is worth', () => {
  it('is the demand left for one more, times what it earns, less the time that it loads', () => {
    expect(worthOf(candidate())).toBe(10)
    expect(worthOf(candidate({ loaded: 4 }))).toBe(2)
    expect(worthOf(candidate({ price: 4 }))).toBe(20)
    expect(worthOf(candidate({ tokensPerSecond: 5 }))).toBe(5)
    expect(worthOf(candidate({ loadSeconds: 3600 }))).toBe(5)
    expect(worthOf(candidate({ fits: false }))).toBe(0)
    expect(worthOf(candidate({ share: 0 }))).toBe(0)
  })
})

describe('the model to lend next', () => {
  it('is drawn in proportion to its worth, so that tabs that see the same do not do the same', () => {
    const both = [candidate(), candidate({ model: B, share: 0.125 })]
    expect(wantedModel(both, { random: at(0.79) })).toBe(A)
    expect(wantedModel(both, { random: at(0.81) })).toBe(B)
    expect(wantedModel(both, { random: at(1 - 2 ** -32) })).toBe(B)
  })

  it('is none that does not fit or that nobody wants', () => {
    const useless = [candidate({ fits: false }), candidate({ model: B, share: 0 })]
    expect(wantedModel(useless, { random: at(0.5) })).toBeUndefined()
    expect(wantedModel([...useless, candidate()], { random: at(0) })).toBe(A)
    expect(wantedModel([], { random: at(0) })).toBeUndefined()
  })

  it('is the one that is lent already, unless another one is worth clearly more', () => {
    const swap = (share: number) =>
      wantedModel([candidate(), candidate({ model: B, share })], { random: at(0.999), current: A })
    expect(swap(0.5 * SWAP_GAIN - 0.01)).toBe(A)
    expect(swap(0.5 * SWAP_GAIN + 0.01)).toBe(B)
    const unwanted = [candidate({ share: 0 }), candidate({ model: B })]
    expect(wantedModel(unwanted, { random: at(0), current: A }), 'nobody wants it any more').toBe(B)
    expect(wantedModel([candidate({ share: 0 })], { random: at(0), current: A })).toBe(A)
    expect(wantedModel([candidate()], { random: at(0), current: B }), 'of it nothing is known').toBe(A)
  })
})
