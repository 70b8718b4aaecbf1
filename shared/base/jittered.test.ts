import { expect, it } from 'vitest'
import { jittered } from './jittered.ts'

const random = (byte: number) => ({ bytes: () => Uint8Array.of(byte) })

it('stays within a tenth', () => {
  expect(jittered(random(0), 1000)).toBe(900)
  expect(jittered(random(255), 1000)).toBe(1100)
  expect(jittered(random(100), 1001)).toBe(979)
})
