import { beforeEach, describe, expect, it, vi } from 'vitest'
import { recoverAddress } from 'viem'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { newPassphrase, secretOf, type NewLock } from './key-locks.ts'
import { LockedAccount, OPEN_MS } from './locked-account.ts'
import { TabKeys, type SealedKey, type SealedKeyStore, type Unlock, type UnlockQuestion } from './tab-keys.ts'

const KEY = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'
const ADDRESS = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266'
const HASH = `0x${'12'.repeat(32)}` as const
const PASSPHRASE = 'correct horse battery'

const lockWith = (passphrase = PASSPHRASE): NewLock => newPassphrase(passphrase, 1000)

class MemoryKeys implements SealedKeyStore {
  readonly keys = new Map<string, SealedKey>()
  list = async () => [...this.keys.values()]
  get = async (name: string) => this.keys.get(name)
  put = async (key: SealedKey) => void (this.keys.has(key.name) || this.keys.set(key.name, key))
  putFirst = async (key: SealedKey, prefix: string) => {
    const found = [...this.keys.values()].find(({ name }) => name.startsWith(prefix))
    if (!found) this.keys.set(key.name, key)
    return found ?? key
  }
  replace = async (key: SealedKey) => void this.keys.set(key.name, key)
  remove = async (name: string) => void this.keys.delete(name)
}

describe('a locked wallet', () => {
  let clock: FakeClock
  let store: MemoryKeys
  let asked: UnlockQuestion[]
  let answer: Unlock
  const vault = (): TabKeys =>
    new TabKeys(store, () => 0, {
      unlock: {
        clock,
        ask: (question) => {
          asked.push(question)
          return answer(question)
        },
      },
    })

  beforeEach(() => {
    clock = new FakeClock()
    store = new MemoryKeys()
    asked = []
    answer = async () => secretOf(PASSPHRASE)
  })

  it('is asked for when it signs, once for what is ordered together, and again later', async () => {
    const keys = vault()
    await keys.importWallet(KEY, lockWith())
    expect(await keys.isLocked(ADDRESS)).toBe(true)
    const account = await keys.wallet(ADDRESS)
    expect([account.address, asked.length]).toEqual([ADDRESS, 0])
    const signed = await Promise.all([account.sign({ hash: HASH }), account.sign({ hash: HASH })])
    for (const signature of signed) expect(await recoverAddress({ hash: HASH, signature })).toBe(ADDRESS)
    await (await keys.wallet(ADDRESS)).sign({ hash: HASH })
    expect(asked.length).toBe(1)
    await clock.advance(OPEN_MS)
    await account.sign({ hash: HASH })
    expect(asked).toMatchObject([{ address: ADDRESS, isAgain: false }, { isAgain: false }])
  })

  it('keeps nothing that opens it', async () => {
    await vault().makeWallet(lockWith())
    const [kept] = [...store.keys.values()]
    expect(kept).toMatchObject({ sealer: undefined, lock: { kind: 'passphrase' } })
    expect(JSON.stringify(Object.keys(kept!).toSorted())).toBe(
      '["address","iv","lock","madeAt","name","sealed","sealer"]',
    )
    expect(Object.keys(kept!.lock!).toSorted()).toEqual(['kind', 'rounds', 'salt'])
  })

  it('asks again after a wrong passphrase, and signs nothing that is declined', async () => {
    const keys = vault()
    await keys.importWallet(KEY, lockWith())
    const account = await keys.wallet(ADDRESS)
    const answers = ['wrong horse battery', PASSPHRASE]
    answer = async () => secretOf(answers.shift()!)
    await account.sign({ hash: HASH })
    expect(asked.map(({ isAgain }) => isAgain)).toEqual([false, true])
    await clock.advance(OPEN_MS)
    answer = () => Promise.reject(new InfernetError('wallet.locked'))
    await expect(account.sign({ hash: HASH })).rejects.toMatchObject({ code: 'wallet.locked' })
    answer = async () => secretOf(PASSPHRASE)
    expect(await account.sign({ hash: HASH }), 'a no is for once').toMatch(/^0x/)
  })

  it('is shown to nobody who does not open it, also while it is open', async () => {
    const keys = vault()
    await keys.importWallet(KEY, lockWith())
    await (await keys.wallet(ADDRESS)).sign({ hash: HASH })
    answer = () => Promise.reject(new InfernetError('wallet.locked'))
    await expect(keys.reveal(ADDRESS)).rejects.toMatchObject({ code: 'wallet.locked' })
    answer = async () => secretOf(PASSPHRASE)
    expect(await keys.reveal(ADDRESS)).toBe(KEY)
    const nobody = new TabKeys(store, () => 0)
    await expect(nobody.wallet(ADDRESS)).rejects.toMatchObject({ code: 'wallet.locked' })
    await expect(nobody.reveal(ADDRESS)).rejects.toMatchObject({ code: 'wallet.locked' })
  })

  it('can be locked later, and another way; what opened it before does not any more', async () => {
    const keys = vault()
    await keys.importWallet(KEY)
    expect(await keys.isLocked(ADDRESS)).toBe(false)
    await keys.setLock(ADDRESS, lockWith())
    expect(asked.length).toBe(0)
    const account = await keys.wallet(ADDRESS)
    await account.sign({ hash: HASH })
    await keys.setLock(ADDRESS, lockWith('another horse battery'))
    answer = async () => secretOf('another horse battery')
    const before = asked.length
    await (await keys.wallet(ADDRESS)).sign({ hash: HASH })
    expect(asked.length, 'it was closed').toBe(before + 1)
    expect(await keys.wallets()).toEqual([ADDRESS])
  })

  it('comes back from its copy where the passphrase is lost, and an import without one opens nothing', async () => {
    const keys = vault()
    await keys.importWallet(KEY, lockWith('a lost passphrase'))
    await keys.importWallet(KEY)
    expect(await keys.isLocked(ADDRESS)).toBe(true)
    await keys.importWallet(KEY, lockWith())
    expect(await keys.reveal(ADDRESS)).toBe(KEY)
  })

  it('goes to another browser by its key, with a lock of its own there', async () => {
    const keys = vault()
    const address = await keys.makeWallet(lockWith())
    const copy = await keys.reveal(address)
    store = new MemoryKeys()
    const second = vault()
    answer = async () => secretOf('second horse battery')
    expect(await second.importWallet(copy, lockWith('second horse battery'))).toBe(address)
    const signature = await (await second.wallet(address)).sign({ hash: HASH })
    expect(await recoverAddress({ hash: HASH, signature })).toBe(address)
  })

  it('hands the end of an order to the question, and forgets nothing that another one waits for', async () => {
    const unseal = vi.fn(async ({ signal }: { signal?: AbortSignal | undefined }): Promise<`0x${string}`> => {
      await new Promise<void>((resolve, reject) => {
        signal?.addEventListener('abort', () => reject(new InfernetError('wallet.locked')))
        if (!signal) resolve()
      })
      return KEY
    })
    const account = new LockedAccount(ADDRESS, clock, unseal)
    const end = new AbortController()
    const opening = account.open({ signal: end.signal })
    end.abort()
    await expect(opening).rejects.toMatchObject({ code: 'wallet.locked' })
    await account.sign({ hash: HASH })
    expect(unseal).toHaveBeenCalledTimes(2)
    account.close()
    await account.sign({ hash: HASH })
    expect(unseal).toHaveBeenCalledTimes(3)
    await clock.advance(OPEN_MS - 1)
    await account.sign({ hash: HASH })
    expect(unseal).toHaveBeenCalledTimes(3)
  })
})
