import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { beforeEach, describe, expect, it } from 'vitest'
import { Identity, lendingName, type IdentityComponents } from './identity.ts'

const nameOf = ({ key }: Identity): string => peerIdFromPrivateKey(key).toString()

describe('the name of a tab', () => {
  let browser: IdentityComponents
  let held: Identity[]

  /** What one browser has: a store that outlives its pages, and locks that end with them. */
  function openBrowser(): IdentityComponents {
    let kept: Uint8Array | undefined
    return { store: { keep: async (made) => (kept ??= made) }, locks: navigator.locks }
  }

  async function lend(): Promise<Identity> {
    const identity = await Identity.toLend(browser)
    held.push(identity)
    return identity
  }

  /** The page goes, and its locks with it. */
  async function reload(): Promise<void> {
    for (const identity of held.splice(0)) await identity.release()
  }

  beforeEach(() => {
    browser = openBrowser()
    held = []
    return () => reload()
  })

  it('is a new one at each asking, also in a browser that has lent', async () => {
    const lent = nameOf(await lend())
    const asked = [await Identity.toAsk(), await Identity.toAsk()].map(nameOf)
    expect(new Set([lent, ...asked]).size).toBe(3)
  })

  it('is the same at each lending, over reloads', async () => {
    const first = nameOf(await lend())
    await reload()
    expect(nameOf(await lend())).toBe(first)
    await reload()
    browser = { ...browser, store: { keep: () => Promise.reject(new Error('private window')) } }
    expect(nameOf(await lend())).not.toBe(first)
  })

  it('is never that of another tab that lends, and is free again when that one stops', async () => {
    const first = await lend()
    const second = await lend()
    expect(nameOf(second)).not.toBe(nameOf(first))
    await first.release()
    expect(nameOf(await lend())).toBe(nameOf(first))
  })

  it('can be told before anything is lent, so that it can be staked for', async () => {
    const told = await lendingName(browser)
    expect(nameOf(await lend())).toBe(told)
    expect(await lendingName(browser)).toBe(told)
  })

  it('does not last where the browser keeps nothing or locks nothing, and then is not told', async () => {
    const refusing = { ...browser, store: { keep: () => Promise.reject(new Error('private window')) } }
    expect(await lendingName(refusing)).toBeUndefined()
    const lockless = { ...browser, locks: undefined }
    expect(await lendingName(lockless)).toBeUndefined()
    expect(nameOf(await Identity.toLend(lockless))).not.toBe(nameOf(await Identity.toLend(lockless)))
  })
})
