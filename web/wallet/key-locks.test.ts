import { expect, it } from 'vitest'
import { newPassphrase, sealerOf, secretOf, type Lock } from './key-locks.ts'

const ROUNDS = 1000
const iv = new Uint8Array(12)
const text = new Uint8Array([1, 2, 3])

async function opens(lock: Lock, sealed: ArrayBuffer, secret: Uint8Array<ArrayBuffer>): Promise<boolean> {
  const sealer = await sealerOf(lock, secret)
  return crypto.subtle.decrypt({ name: 'AES-GCM', iv }, sealer, sealed).then(
    () => true,
    () => false,
  )
}

it('opens with the same passphrase alone, however its letters are written', async () => {
  const { lock, secret } = newPassphrase('café correct horse', ROUNDS)
  const sealer = await sealerOf(lock, secret)
  expect(sealer.extractable).toBe(false)
  const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, sealer, text)
  expect(await opens(lock, sealed, secretOf('cafe\u0301 correct horse'))).toBe(true)
  expect(await opens(lock, sealed, secretOf('cafe correct horse'))).toBe(false)
  const other = newPassphrase('café correct horse', ROUNDS).lock
  expect(await opens(other, sealed, secret), 'each lock has a salt of its own').toBe(false)
})

it('gives another key for each passkey and each lock', async () => {
  const secret = new Uint8Array(32).fill(7)
  const lockOf = (salt: number): Lock => ({
    kind: 'passkey',
    salt: new Uint8Array(32).fill(salt),
    credential: new Uint8Array(16),
  })
  const sealer = await sealerOf(lockOf(1), secret)
  const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, sealer, text)
  expect(await opens(lockOf(1), sealed, secret)).toBe(true)
  expect(await opens(lockOf(2), sealed, secret)).toBe(false)
  expect(await opens(lockOf(1), sealed, new Uint8Array(32).fill(8))).toBe(false)
})

it('takes no passphrase that is found by trying all short ones, and none without end', () => {
  for (const passphrase of ['', 'nine char', '\u{1F511}'.repeat(9), 'x'.repeat(257)])
    expect(() => newPassphrase(passphrase, ROUNDS), passphrase).toThrow(
      expect.objectContaining({ code: 'wallet.weak-passphrase' }),
    )
  expect(newPassphrase('\u{1F511}'.repeat(10), ROUNDS).lock.kind).toBe('passphrase')
})

it('does not compute for hours, whoever wrote the number of rounds', async () => {
  const { lock, secret } = newPassphrase('correct horse battery', ROUNDS)
  for (const rounds of [0, -1, NaN, 1e12])
    await expect(sealerOf({ ...lock, rounds } as Lock, secret)).rejects.toMatchObject({
      code: 'wallet.key-lost',
    })
})
