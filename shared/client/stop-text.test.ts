import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createStopText } from './stop-text.ts'

describe('createStopText', () => {
  it('shows what cannot be the begin of a stop, and nothing from the stop on', () => {
    const stop = createStopText(['\nUser:', 'END'])
    expect(stop.push('Hello')).toBe('Hello')
    expect(stop.push(' E')).toBe(' ')
    expect(stop.push('N')).toBe('')
    expect(stop.push('T\n')).toBe('ENT')
    expect(stop.isStopped).toBe(false)
    expect(stop.push('User: more')).toBe('')
    expect(stop.isStopped).toBe(true)
    expect(stop.push('more')).toBe('')
    expect(stop.flush()).toBe('')
  })

  it('gives back at the end what it held back', () => {
    const stop = createStopText(['END', ''])
    expect(stop.push('the EN')).toBe('the ')
    expect(stop.flush()).toBe('EN')
  })

  it('shows the same however the text is cut', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 30 })
    const words = fc.array(fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 5 }), {
      maxLength: 3,
    })
    fc.assert(
      fc.property(fc.array(letters), words, (pieces, stops) => {
        const whole = pieces.join('')
        const stop = createStopText(stops)
        const shown = pieces.map((piece) => stop.push(piece)).join('') + stop.flush()
        // The stop that is complete first ends the text; of those that end together, the longest.
        const ends = [...whole].map((_, i) => stops.filter((word) => whole.slice(0, i + 1).endsWith(word)))
        const end = ends.findIndex((found) => found.length > 0)
        if (end < 0) expect(shown).toBe(whole)
        else {
          expect(stop.isStopped).toBe(true)
          expect(whole.startsWith(shown)).toBe(true)
          for (const word of stops) expect(shown).not.toContain(word)
        }
      }),
    )
  })
})
