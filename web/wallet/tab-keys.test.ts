import fc from 'fast-check'
import { expect, it } from 'vitest'
import { privateKeyToAccount } from 'viem/accounts'
import { TabKeys, parsePrivateKey, type SealedKey, type SealedKeyStore } from './tab-keys.ts'

const KEY = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'
const ADDRESS = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266'

function memoryStore(): SealedKeyStore & { keys: Map<string, SealedKey> } {
  const keys = new Map<string, SealedKey>()
  return {
    keys,
    list: async () => [...keys.values()],
    get: async (name) => keys.get(name),
    put: async (key) => void (keys.has(key.name) || keys.set(key.name, key)),
    putFirst: async (key, prefix) => {
      const found = [...keys.values()].find(({ name }) => name.startsWith(prefix))
      if (!found) keys.set(key.name, key)
      return found ?? key
    },
    replace: async (key) => void keys.set(key.name, key),
    remove: async (name) => void keys.delete(name),
  }
}

const scope = {
  chainId: 31337,
  escrow: '0x000000000000000000000000000000000000bEEF',
  payer: ADDRESS,
} as const

it('makes one first wallet, however many tabs ask for it', async () => {
  const store = memoryStore()
  const made = await Promise.all([1, 2, 3].map(() => new TabKeys(store, () => 0).makeWallet()))
  expect(new Set(made).size).toBe(1)
  expect((await new TabKeys(store, () => 0).wallet(made[0]!)).address).toBe(made[0])
})

it('keeps no key in clear, and none that a script can read out', async () => {
  const store = memoryStore()
  await new TabKeys(store, () => 0).importWallet(KEY)
  const [kept] = [...store.keys.values()]
  expect(kept?.sealer?.extractable).toBe(false)
  await expect(crypto.subtle.exportKey('raw', kept!.sealer!)).rejects.toThrow()
  const bytes = [kept!.sealed, kept!.iv].map((part) => Buffer.from(part).toString('hex')).join('')
  expect(bytes).not.toContain(KEY.slice(2, 20))
})

it('gives back exactly what was imported, in any spelling', async () => {
  const vault = new TabKeys(memoryStore(), () => 0)
  for (const text of [KEY, KEY.slice(2), `  ${KEY.toUpperCase().replace('0X', '0x')}\n`])
    expect(await vault.importWallet(text)).toBe(ADDRESS)
  expect(await vault.reveal(ADDRESS)).toBe(KEY)
  expect(await vault.wallets()).toEqual([ADDRESS])
})

it('lists the oldest wallet first and never loses one to an import', async () => {
  let now = 0
  const vault = new TabKeys(memoryStore(), () => now++)
  const first = await vault.makeWallet()
  await vault.importWallet(KEY)
  expect(await vault.wallets()).toEqual([first, ADDRESS])
})

it('keeps a session key for each payer, escrow and chain, until it is forgotten', async () => {
  const vault = new TabKeys(memoryStore(), () => 0)
  expect(await vault.sessionAddress(scope)).toBeUndefined()
  const [one, same] = await Promise.all([vault.sessionKey(scope), vault.sessionKey(scope)])
  expect(one.address).toBe(same.address)
  expect(await vault.sessionAddress(scope)).toBe(one.address)
  expect((await vault.sessionKey({ ...scope, chainId: 1 })).address).not.toBe(one.address)
  expect(await vault.wallets()).toEqual([])
  await vault.forgetSession(scope)
  expect((await vault.sessionKey(scope)).address).not.toBe(one.address)
})

it('opens no key under another name: a record that was moved is lost, not somebody else’s', async () => {
  const store = memoryStore()
  const vault = new TabKeys(store, () => 0)
  await vault.importWallet(KEY)
  const [kept] = [...store.keys.values()]
  const other = privateKeyToAccount(`0x${'11'.repeat(32)}`).address
  store.keys.set(`wallet:${other.toLowerCase()}`, { ...kept!, name: `wallet:${other.toLowerCase()}` })
  await expect(vault.wallet(other)).rejects.toMatchObject({ code: 'wallet.key-lost' })
})

it('says so by name when the browser keeps nothing', async () => {
  const broken = {
    ...memoryStore(),
    putFirst: () => Promise.reject(new DOMException('no', 'InvalidStateError')),
  }
  await expect(new TabKeys(broken, () => 0).makeWallet()).rejects.toMatchObject({
    code: 'wallet.no-storage',
  })
})

it('takes nothing for a key that is none', () => {
  const order = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141'
  for (const text of [
    '',
    '0x',
    KEY.slice(0, -1),
    `${KEY}0`,
    '0'.repeat(64),
    order,
    'twelve words are not here yet',
  ])
    expect(() => parsePrivateKey(text), text).toThrow(expect.objectContaining({ code: 'wallet.bad-key' }))
  fc.assert(
    fc.property(fc.string(), (text) => {
      fc.pre(!/^\s*(0x)?[0-9a-fA-F]{64}\s*$/.test(text))
      expect(() => parsePrivateKey(text)).toThrow(expect.objectContaining({ code: 'wallet.bad-key' }))
    }),
  )
})
