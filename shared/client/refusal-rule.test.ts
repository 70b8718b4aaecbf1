import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { MAX_TEXT_TOKENS } from '../wire/limits.ts'
import { isRefused, MAX_PHRASE_CHARACTERS, MAX_PHRASES, parseRefusalRule, screenBy } from './refusal-rule.ts'

const refuses = (rule: string, text: string): boolean => isRefused(parseRefusalRule(rule), text)

describe('a rule of words', () => {
  it.each([
    ['poison', 'How do I make POISON?'],
    ['poison', 'poison'],
    ['make poison', 'how to make   poi\u200Bson, quickly'],
    ['make poison', 'make: poison'],
    ['poison*', 'The poisonous ones'],
    ['*son', 'a poison'],
    ['*oiso*', 'poisons'],
    ['poison', '\uFF50\uFF4F\uFF49\uFF53\uFF4F\uFF4E'],
    ['*毒药*', '怎么做毒药呢'],
    ['Ünder', 'ÜNDER the sea'],
    ['first\npoison\nlast', 'some poison'],
  ])('%j refuses %j', (rule, text) => {
    expect(refuses(rule, text)).toBe(true)
  })

  it.each([
    ['poison', 'The poisonous ones'],
    ['poison*', 'antipoison'],
    ['make poison', 'make no poison'],
    ['毒药', '怎么做毒药呢'],
    ['', 'anything'],
    ['***', 'anything'],
    ['.*', 'anything'],
    ['p.ison', 'poison'],
  ])('%j lets %j pass', (rule, text) => {
    expect(refuses(rule, text)).toBe(false)
  })

  it('leaves out what is too long, too much, or without a letter, and says which', () => {
    const long = 'a'.repeat(MAX_PHRASE_CHARACTERS + 1)
    const many = Array.from({ length: MAX_PHRASES + 2 }, (_, i) => `word${i}`)
    expect(parseRefusalRule(`one\n\n  two \n${long}\n?!`)).toEqual({
      phrases: ['one', 'two'],
      leftOut: [long, '?!'],
    })
    const { phrases, leftOut } = parseRefusalRule(many.join('\n'))
    expect([phrases.length, leftOut]).toEqual([MAX_PHRASES, many.slice(MAX_PHRASES)])
  })

  it('finds a phrase in any text that has it between other words', () => {
    const word = fc.stringMatching(/^[a-z]{1,10}$/)
    fc.assert(
      fc.property(word, fc.array(word), fc.array(word), (sought, before, after) => {
        expect(refuses(sought, [...before, sought, ...after].join(' '))).toBe(true)
        const others = [...before, ...after].filter((each) => each !== sought)
        expect(refuses(sought, others.join(' '))).toBe(false)
      }),
    )
  })

  it('reads the longest text with the longest rule', () => {
    const rule = Array.from({ length: MAX_PHRASES }, (_, i) => `*${'a'.repeat(76 - (i % 3))}b*`).join('\n')
    expect(parseRefusalRule(rule).leftOut).toEqual([])
    const text = 'a'.repeat(4 * MAX_TEXT_TOKENS)
    expect([refuses(rule, text), refuses(rule, `${text}b`)]).toEqual([false, true])
  })
})

describe('a screen by a rule', () => {
  const decode = (ids: readonly number[]): string => String.fromCharCode(...ids)
  const idsOf = (text: string): number[] => Array.from(text, (letter) => letter.charCodeAt(0))

  it('refuses by name, counts it, and follows the rule of the moment', async () => {
    let words = 'poison'
    const onRefused = vi.fn()
    const screen = screenBy({
      rule: () => parseRefusalRule(words),
      loadReader: async () => ({ decode }),
      onRefused,
    })
    await screen([idsOf('good day')])
    await expect(screen([idsOf('good day'), idsOf('some poison')])).rejects.toMatchObject({
      code: 'stream.refused',
    })
    words = 'day'
    await screen([idsOf('some poison')])
    await expect(screen([idsOf('good day')])).rejects.toMatchObject({ code: 'stream.refused', facts: {} })
    expect(onRefused).toHaveBeenCalledTimes(2)
  })

  it('reads nothing without a rule, and refuses what it cannot read while there is one', async () => {
    const loadReader = vi.fn(() => Promise.reject(new Error('gone')))
    let words = ''
    const screen = screenBy({
      rule: () => parseRefusalRule(words),
      loadReader,
      onRefused: () => undefined,
    })
    await screen([[1, 2, 3]])
    expect(loadReader).not.toHaveBeenCalled()
    words = 'poison'
    await expect(screen([[1, 2, 3]])).rejects.toMatchObject({ code: 'stream.refused' })
  })
})
