import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { beforeEach, describe, expect, it } from 'vitest'
import { chainAddress, peerName } from '#shared/base/ids.ts'
import { verifiesBinding } from '#shared/settle/binding.ts'
import { bindProvidingName, Identity, providingName, type IdentityComponents } from './identity.ts'

const TERMS = {
  chainId: 31337,
  stake: chainAddress(`0x${'51'.repeat(20)}`),
  operator: chainAddress(`0x${'0b'.repeat(20)}`),
}

const nameOf = ({ key }: Identity): string => peerIdFromPrivateKey(key).toString()

describe('the name of a tab', () => {
  let browser: IdentityComponents
  let held: Identity[]

  /** What one browser has: a store that outlives its pages, and locks that end with them. */
  function openBrowser(): IdentityComponents {
    let kept: Uint8Array | undefined
    return { store: { keep: async (made) => (kept ??= made) }, locks: navigator.locks }
  }

  async function provide(): Promise<Identity> {
    const identity = await Identity.toProvide(browser)
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
    const provided = nameOf(await provide())
    const asked = [await Identity.toAsk(), await Identity.toAsk()].map(nameOf)
    expect(new Set([provided, ...asked]).size).toBe(3)
  })

  it('is the same at each lending, over reloads', async () => {
    const first = nameOf(await provide())
    await reload()
    expect(nameOf(await provide())).toBe(first)
    await reload()
    browser = { ...browser, store: { keep: () => Promise.reject(new Error('private window')) } }
    expect(nameOf(await provide())).not.toBe(first)
  })

  it('is never that of another tab that lends, and is free again when that one stops', async () => {
    const first = await provide()
    const second = await provide()
    expect(nameOf(second)).not.toBe(nameOf(first))
    await first.release()
    expect(nameOf(await provide())).toBe(nameOf(first))
  })

  it('can be told before anything is lent, so that it can be staked for', async () => {
    const told = await providingName(browser)
    expect(nameOf(await provide())).toBe(told)
    expect(await providingName(browser)).toBe(told)
  })

  it('signs, before anything is lent, that a wallet is its operator', async () => {
    const signed = await bindProvidingName(TERMS, browser)
    const lent = await provide()
    expect(signed?.key).toEqual(lent.key.publicKey.raw)
    const binding = signed?.binding ?? new Uint8Array()
    expect(await verifiesBinding(binding, TERMS, peerName(nameOf(lent)))).toBe(true)
  })

  it('does not last where the browser keeps nothing or locks nothing, and then is not told', async () => {
    const refusing = { ...browser, store: { keep: () => Promise.reject(new Error('private window')) } }
    expect(await providingName(refusing)).toBeUndefined()
    expect(await bindProvidingName(TERMS, refusing)).toBeUndefined()
    const lockless = { ...browser, locks: undefined }
    expect(await providingName(lockless)).toBeUndefined()
    expect(nameOf(await Identity.toProvide(lockless))).not.toBe(nameOf(await Identity.toProvide(lockless)))
  })
})
