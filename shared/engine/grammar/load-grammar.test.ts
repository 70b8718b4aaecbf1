import { describe, expect, it, vi } from 'vitest'
import { createGrammarLoader } from './load-grammar.ts'

const tokenizerJson = {
  model: { type: 'BPE', vocab: { '{': 0, '}': 1, a: 2 } },
  decoder: { type: 'ByteLevel' },
}

describe('createGrammarLoader', () => {
  it('reads the tokenizer once, and not before it is needed', async () => {
    const readTokenizer = vi.fn(async () => tokenizerJson)
    const load = createGrammarLoader({ readTokenizer, vocabSize: 4, eosTokens: new Set([3]) })
    expect(readTokenizer).not.toHaveBeenCalled()
    await expect(load({ kind: 'gbnf', grammar: 'no' })).rejects.toMatchObject({ code: 'engine.bad-grammar' })
    expect(readTokenizer).not.toHaveBeenCalled()
    const [matcher] = await Promise.all([load({ kind: 'json' }), load({ kind: 'json' })])
    expect([...matcher.allowed()]).toEqual([0b0001])
    matcher.accept(0)
    expect([...matcher.allowed()]).toEqual([0b0010])
    expect(readTokenizer).toHaveBeenCalledTimes(1)
  })

  it('asks again when the tokenizer could not be read', async () => {
    const readTokenizer = vi.fn(async () => tokenizerJson)
    readTokenizer.mockRejectedValueOnce(new Error('offline'))
    const load = createGrammarLoader({ readTokenizer, vocabSize: 4, eosTokens: new Set([3]) })
    await expect(load({ kind: 'json' })).rejects.toThrow('offline')
    await expect(load({ kind: 'json' })).resolves.toBeDefined()
  })
})
