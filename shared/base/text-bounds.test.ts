import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clip, isPlainLine, isShownName } from './text-bounds.ts'

describe('clip', () => {
  it('cuts to so many characters and splits none', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(20), (text, max) => {
        const cut = clip(text, max)
        expect(text.startsWith(cut)).toBe(true)
        expect(Array.from(cut).length).toBeLessThanOrEqual(max)
        expect(cut.isWellFormed()).toBe(true)
      }),
    )
    expect(clip('a😀b', 2)).toBe('a😀')
  })
})

describe('isPlainLine', () => {
  it.each(['', 'a word', 'naïve — “quotes” 你好 😀', 'NVIDIA GeForce RTX 4090 (24 GB)'])(
    'takes %j',
    (text) => {
      expect(isPlainLine(text)).toBe(true)
    },
  )

  it.each([
    ['a line feed', 'a\nb'],
    ['a tab', 'a\tb'],
    ['a null', 'a\0b'],
    ['an escape', 'a\u001b[31mb'],
    ['a C1 control', 'a\u0085b'],
    ['a right-to-left override', 'a\u202eb'],
    ['an isolate', 'a\u2066b'],
    ['a zero-width joiner', 'a\u200db'],
    ['a line separator', 'a\u2028b'],
    ['a paragraph separator', 'a\u2029b'],
    ['a byte order mark', '\ufeffa'],
  ])('refuses %s', (_, text) => {
    expect(isPlainLine(text)).toBe(false)
  })
})

describe('isShownName', () => {
  it.each(['Infernet Local', 'USDC.e', 'USD₮0', 'Ether', '以太坊', 'OP-Stack (test)', 'ξ'])(
    'takes %j',
    (text) => {
      expect(isShownName(text)).toBe(true)
    },
  )

  it.each([
    ['an override of direction', 'ETH\u202e'],
    ['a zero-width space', 'E\u200bTH'],
    ['a line end', 'ETH\nyou pay nothing'],
    ['an escape', '\x1b[31mETH'],
    ['a blank letter', 'ETH\u3164'],
    ['a blank sign', 'ETH\u2800x'],
    ['marks that pile up', 'E\u0300\u0301TH'],
    ['a variation', 'ETH\ufe0f'],
    ['a tag', 'ETH\u{e0041}'],
    ['half a character', 'ETH\ud800'],
    ['a private character', 'ETH\ue000'],
    ['other spaces', 'ETH\u00a0x'],
    ['many spaces', 'ETH  x'],
    ['spaces around', ' ETH'],
    ['nothing', ''],
  ])('refuses %s', (_what, text) => expect(isShownName(text)).toBe(false))
})
