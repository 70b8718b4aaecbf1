import { describe, expect, it } from 'vitest'
import { CODE_TABLE, isErrorCode, type ErrorCode } from './code-table.ts'
import { hasCode, InfernetError } from './infernet-error.ts'

const CODES = Object.keys(CODE_TABLE) as ErrorCode[]

describe('the sentences of the network', () => {
  it.each(CODES)('%s: says what is and what to do, in whole sentences, also without any fact', (code) => {
    const { example, fix } = CODE_TABLE[code]
    for (const text of [new InfernetError(code).message, new InfernetError(code, example).message, fix]) {
      expect(text).toMatch(/^[A-Z].*\.$/)
      expect(text).not.toMatch(/undefined|null|NaN|\[object|\s{2}/)
      expect(text.length).toBeLessThanOrEqual(140)
    }
  })

  it.each(CODES)('%s: speaks to a page, a relay and a command alike, and promises nothing', (code) => {
    const { example, fix } = CODE_TABLE[code]
    const words = `${new InfernetError(code, example).message} ${fix}`
    expect(words).not.toMatch(/reload|browser|this page|this tab|Wallet page|in this tab/i)
    expect(words).not.toMatch(/is tried|goes on with the answer|keeps trying/)
  })

  it('have codes that are a home and a name', () => {
    for (const code of CODES.filter((name) => name !== 'internal'))
      expect(code).toMatch(
        /^(wire|models|origin|engine|prompt|schedule|stream|verify|settle|payment|mesh|wallet|peer|chain|faucet)\.[a-z]+(-[a-z]+)*$/,
      )
  })
})

describe('InfernetError', () => {
  it('keeps the code, the facts, the fix and the cause', () => {
    const cause = new Error('deep')
    const error = new InfernetError('prompt.too-long', { tokens: 1200, maxTokens: 1024 }, { cause })
    expect(error).toMatchObject({
      name: 'InfernetError',
      message: 'The prompt has 1200 tokens; at most 1024 fit.',
      fix: 'Shorten the prompt.',
      code: 'prompt.too-long',
      facts: { tokens: 1200, maxTokens: 1024 },
      cause,
    })
  })

  it('wraps what has no name, once', () => {
    const own = new InfernetError('stream.busy')
    expect(InfernetError.from(own, 'internal')).toBe(own)
    for (const thrown of [new Error('x'), 'x', undefined, null, 0, { code: 'stream.busy' }]) {
      const wrapped = InfernetError.from(thrown, 'wire.closed', { limit: 1 })
      expect(wrapped).toMatchObject({ code: 'wire.closed', facts: { limit: 1 }, cause: thrown })
    }
    expect(InfernetError.from('x').code).toBe('internal')
  })

  it('is told by its code', () => {
    expect(hasCode(new InfernetError('stream.busy'), 'stream.busy')).toBe(true)
    expect(hasCode(new InfernetError('stream.busy'), 'wire.closed')).toBe(false)
    expect(hasCode({ code: 'stream.busy' }, 'stream.busy')).toBe(false)
  })

  it('knows its codes, and nothing that every object has', () => {
    expect(isErrorCode('stream.busy')).toBe(true)
    for (const code of ['', 'busy', 'toString', '__proto__', 'constructor', 7, null, undefined, {}])
      expect(isErrorCode(code)).toBe(false)
  })
})
