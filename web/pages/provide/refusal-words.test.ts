import { expect, it } from 'vitest'
import { parseRefusalRule } from '#shared/client/refusal-rule.ts'
import { leftOutWords, refusedWords } from './refusal-words.ts'

it('names the lines that do not count, a few of them', () => {
  expect(leftOutWords(parseRefusalRule('one\ntwo'))).toBeUndefined()
  expect(leftOutWords(parseRefusalRule(`one\n?\n${'a'.repeat(99)}`))).toBe(
    'Not used: “?”, “aaaaaaaaaaaaaaaaaaaaaaaa…”. There is room for 100 lines of 80 characters, each with a letter or a digit.',
  )
  expect(leftOutWords(parseRefusalRule('?\n!\n.\n,\n;'))).toMatch(
    /^Not used: “\?”, “!”, “\.” and 2 other lines\. /,
  )
})

it('says how much was refused, and no more', () => {
  expect(refusedWords(parseRefusalRule(''), 0)).toBe('Nothing is refused.')
  expect(refusedWords(parseRefusalRule('one'), 0)).toBe('Nothing refused so far.')
  expect(refusedWords(parseRefusalRule('one'), 1)).toBe('1 text refused since you switched on.')
})
