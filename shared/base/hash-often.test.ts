import { sha256 } from '@noble/hashes/sha2.js'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { hashInto } from './hash-often.ts'

it('hashes as ever, one message after another of any length', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { minLength: 1, maxLength: 5 }), (messages) => {
      const out = new Uint8Array(32)
      for (const message of messages) {
        hashInto(message, out)
        expect(out).toEqual(sha256(message))
      }
    }),
  )
})
