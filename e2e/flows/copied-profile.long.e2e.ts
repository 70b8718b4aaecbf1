import { createDecipheriv } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bytesToHex, type Address } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findAnvil } from '../chain/find-anvil.ts'
import { launchProfile } from '../fixtures/browser.ts'
import { startMoneyNetwork, type MoneyNetwork } from '../fixtures/money-network.ts'
import { WalletPage } from '../pages/wallet-page.ts'

const PASSPHRASE = 'correct horse battery'
const KEY_BYTES = 32
const IV_BYTES = 12
const MARK_BYTES = 16
/** A private key and the mark of its seal. */
const SEALED_BYTES = KEY_BYTES + MARK_BYTES
/** How the browser begins an array of bytes in its files: this, and its length in one byte. */
const ARRAY = 0x42
/** A kept key takes less than this. */
const RECORD_BYTES = 1200

describe.skipIf(findAnvil() === undefined)('a copied profile (needs anvil)', () => {
  let network: MoneyNetwork
  let folder: string
  beforeAll(async () => {
    network = await startMoneyNetwork()
    folder = await mkdtemp(join(tmpdir(), 'infernet-profile-'))
  }, 60_000)
  afterAll(async () => {
    await network[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  /** Does something on the Wallet page of a profile on disk, and closes the browser. */
  async function visit<T>(name: string, what: (wallet: WalletPage) => Promise<T>): Promise<T> {
    const profile = await launchProfile(join(folder, name))
    try {
      const page = await profile.newPage()
      const errors: string[] = []
      page.on('pageerror', (error) => errors.push(String(error)))
      await page.goto(new URL('/wallet', network.relay.url).href)
      const wallet = new WalletPage({ page, errors, close: () => profile.close() })
      await wallet.ready()
      const done = await what(wallet)
      expect(errors).toEqual([])
      return done
    } finally {
      await profile.close()
    }
  }

  it('opens a wallet without a lock, as the page says, and not one that was locked when it came', async () => {
    const copy = await visit('open', (wallet) => wallet.exportKey())
    const open = privateKeyToAccount(copy).address
    expect(await keysIn(join(folder, 'open'))).toEqual([open])

    // Exported there, and imported in another browser under a passphrase.
    const before = await visit('locked', async (wallet) => {
      const own = privateKeyToAccount(await wallet.exportKey()).address
      await wallet.importKey(copy, PASSPHRASE)
      await isShown(wallet, open)
      return own
    })
    expect(await keysIn(join(folder, 'locked')), 'what the tab made first has no lock').toEqual([before])

    // It signs there for whoever opens it, after a wrong passphrase too, and for nobody who does not.
    await visit('locked', async (wallet) => {
      await isShown(wallet, open)
      await wallet.getTestMoney()
      await wallet.send(before, '1')
      await wallet.page.getByRole('button', { name: 'Leave it locked' }).click()
      expect(await wallet.failed()).toBe('wallet.locked')
      await wallet.act.getByRole('button', { name: 'Try again' }).click()
      await wallet.unlock('wrong horse battery')
      await wallet.page.getByText('This does not open the wallet.').waitFor()
      await wallet.unlock(PASSPHRASE)
      await wallet.done()
      // Showing the key asks again, though the wallet is open.
      expect(await wallet.exportKey(PASSPHRASE)).toBe(copy)
    })

    // The browser's data is lost: the copy brings the wallet back, with its money.
    await rm(join(folder, 'locked'), { recursive: true, force: true })
    await visit('locked', async (wallet) => {
      await wallet.importKey(copy, 'another horse battery')
      await isShown(wallet, open)
      await expect.poll(() => wallet.amount('balance')).toBeGreaterThan(0)
    })
  })
})

async function isShown({ page }: WalletPage, address: Address): Promise<void> {
  await expect.poll(() => page.getByTestId('wallet-menu').innerText()).toContain(address.slice(-4))
}

/** The addresses of the wallets that somebody opens with nothing but a browser's files. */
async function keysIn(profile: string): Promise<readonly Address[]> {
  const found = new Set<Address>()
  for (const bytes of await databaseFiles(profile)) {
    for (const at of placesOf(bytes, 'wallet:0x')) {
      const key = openedIn(bytes.subarray(at, at + RECORD_BYTES))
      if (key) found.add(privateKeyToAccount(bytesToHex(key)).address)
    }
  }
  return [...found]
}

/**
 * Tries all bytes of a record as the key that opens what is sealed in it. What looks like an array need not be one: `B0` in
 * an address does.
 */
function openedIn(record: Buffer): Buffer | undefined {
  const [name] = /^wallet:0x[0-9a-f]{40}/.exec(record.toString('latin1')) ?? []
  if (name === undefined) return undefined
  for (const iv of arraysOf(record, IV_BYTES))
    for (const sealed of arraysOf(record, SEALED_BYTES)) {
      const key = openedBy(record, { name, iv, sealed })
      if (key) return key
    }
  return undefined
}

interface SealedBytes {
  readonly name: string
  readonly iv: Buffer
  readonly sealed: Buffer
}

function openedBy(record: Buffer, { name, iv, sealed }: SealedBytes): Buffer | undefined {
  for (let at = 0; at + KEY_BYTES <= record.length; at++) {
    const opener = createDecipheriv('aes-256-gcm', record.subarray(at, at + KEY_BYTES), iv)
    opener.setAAD(Buffer.from(name)).setAuthTag(sealed.subarray(KEY_BYTES))
    const key = opener.update(sealed.subarray(0, KEY_BYTES))
    try {
      opener.final()
      return key
    } catch {
      continue // these bytes open nothing
    }
  }
  return undefined
}

function arraysOf(record: Buffer, length: number): readonly Buffer[] {
  const found: Buffer[] = []
  for (let at = 0; at + 2 + length <= record.length; at++)
    if (record[at] === ARRAY && record[at + 1] === length)
      found.push(record.subarray(at + 2, at + 2 + length))
  return found
}

async function databaseFiles(profile: string): Promise<readonly Buffer[]> {
  const databases = join(profile, 'Default', 'IndexedDB')
  const names = await readdir(databases, { recursive: true })
  const files = names.filter((name) => /\.(log|ldb)$/.test(name))
  return Promise.all(files.map((name) => readFile(join(databases, name))))
}

function placesOf(bytes: Buffer, text: string): readonly number[] {
  const places: number[] = []
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) places.push(at)
  return places
}
