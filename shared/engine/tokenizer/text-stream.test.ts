import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readTinyModel } from '../../testing/tiny-model.ts'
import { createTextStream } from './text-stream.ts'

const { tokenizer } = await readTinyModel('fp32')

/** The tokens of a text alone: what lies between the user's header and the end of the message. */
function tokensOf(text: string): readonly number[] {
  const whole: readonly number[] = tokenizer.encodeChat([{ role: 'user', content: `\n${text}` }])
  return whole.slice(whole.indexOf(10) + 1, whole.indexOf(1023))
}

describe('createTextStream', () => {
  it('shows each character only when it is whole', () => {
    const stream = createTextStream(tokenizer)
    const shown = tokensOf('Größe 😀 日本語!').map((token) => stream.push([token]))
    expect(shown.join('')).toBe(stream.text)
    expect(stream.text.trimStart()).toBe('Größe 😀 日本語!')
    for (const piece of shown) expect(piece).not.toMatch(/\ufffd|[\ud800-\udbff]$|^[\udc00-\udfff]/)
  })

  it('gives the same text whatever the batches are', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 120 }),
        fc.integer({ min: 1, max: 9 }),
        (text, size) => {
          const tokens = tokensOf(text)
          const stream = createTextStream(tokenizer)
          let shown = ''
          for (let i = 0; i < tokens.length; i += size) {
            shown += stream.push(tokens.slice(i, i + size))
            expect(tokenizer.decode(tokens.slice(0, i + size)).startsWith(shown)).toBe(true)
          }
          expect(shown + stream.flush()).toBe(tokenizer.decode(tokens))
        },
      ),
    )
  })

  it('says nothing for special tokens', () => {
    const stream = createTextStream(tokenizer)
    expect(stream.push([1022, 1023, 1021])).toBe('')
    expect(stream.flush()).toBe('')
  })

  it('gives up on a character that never becomes whole, at the end', () => {
    const stream = createTextStream(tokenizer)
    const [first = 0] = tokensOf('😀').slice(-4)
    expect(stream.push([first])).toBe('')
    expect(stream.flush()).toBe('\ufffd')
  })
})
