import { expect, describe, it } from 'vitest'
import { toHex } from '../base/bytes.ts'
import { chainAddress, peerName, type ChainAddress } from '../base/ids.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { makePeer } from '../testing/peers.ts'
import { KnownStakes, type OperatorSeen } from './known-stakes.ts'

const MINUTE = 60_000
const operator = (digit: string): ChainAddress => chainAddress(`0x${digit.repeat(40)}`)
const [one, two] = [operator('1'), operator('2')]

async function scene() {
  const clock = new FakeClock()
  const peer = await makePeer()
  const peerKey = toHex(peer.key.publicKey.raw)
  const chain = new Map<ChainAddress, OperatorSeen>()
  const asked: ChainAddress[] = []
  const source = { fails: undefined as Error | undefined, stalls: false }
  const stakes = new KnownStakes({
    clock,
    read: async (which) => {
      asked.push(which)
      if (source.fails) throw source.fails
      if (source.stalls) return new Promise(() => undefined)
      return chain.get(which)
    },
  })
  const active = (stake = 100n, key = peerKey): OperatorSeen => ({ isActive: true, peerKey: key, stake })
  return { clock, name: peer.name, chain, asked, source, stakes, active }
}

describe('KnownStakes', () => {
  it('believes nobody before the chain was read, and then an active operator that names the key', async () => {
    const { name, chain, stakes, active, asked } = await scene()
    chain.set(one, active())
    expect(stakes.of(name)).toBeUndefined()
    const reading = stakes.said(name, [one])
    expect(stakes.of(name)).toBeUndefined()
    await reading
    expect(stakes.of(name)).toEqual({ operator: one, share: 1 })
    await stakes.said(name, [one])
    expect(asked, 'kept').toEqual([one])
  })

  it('takes no word for it: an operator of another key, one that is not active, or none', async () => {
    const { name, chain, stakes, active } = await scene()
    chain.set(one, active(100n, 'ff'.repeat(32)))
    chain.set(two, { ...active(), isActive: false })
    await stakes.said(name, [one, two, operator('4')])
    expect(stakes.of(name)).toBeUndefined()
    const three = operator('3')
    chain.set(three, { ...active(), peerKey: undefined }) // its key did not sign for it
    for (const peer of [name, peerName('no peer')]) {
      await stakes.said(peer, [one, three])
      expect(stakes.of(peer)).toBeUndefined()
    }
  })

  it('takes the one with most stake of several, and forgets none that is right for many that are said', async () => {
    const { clock, name, chain, stakes, active } = await scene()
    chain.set(one, active(100n))
    chain.set(two, active(150n))
    await stakes.said(name, [one, two])
    expect(stakes.of(name)?.operator).toBe(two)
    for (const digit of 'abcdef') {
      await clock.advance(MINUTE)
      await stakes.said(name, [operator(digit)])
    }
    expect(stakes.of(name)?.operator).toBe(two)
  })

  it('sees a jailing within half an hour, and holds nothing longer by a chain that is silent', async () => {
    const { clock, name, chain, stakes, active, source } = await scene()
    chain.set(one, active())
    await stakes.said(name, [one])
    chain.set(one, { ...active(), isActive: false })
    await clock.advance(11 * MINUTE)
    stakes.of(name)
    await clock.advance(1)
    expect(stakes.of(name)).toBeUndefined()
    chain.set(one, active())
    await clock.advance(11 * MINUTE)
    stakes.of(name)
    await clock.advance(1)
    expect(stakes.of(name)).toBeDefined()
    source.fails = new Error('down')
    await clock.advance(29 * MINUTE)
    expect(stakes.of(name), 'what was read last').toBeDefined()
    await clock.advance(2 * MINUTE)
    expect(stakes.of(name)).toBeUndefined()
  })

  it('gives up a source that throws or stalls, and asks again after a minute', async () => {
    for (const fault of ['fails', 'stalls'] as const) {
      const { clock, name, chain, stakes, active, source, asked } = await scene()
      chain.set(one, active())
      if (fault === 'fails') source.fails = new Error('down')
      else source.stalls = true
      const reading = stakes.said(name, [one])
      await clock.advance(8000)
      await reading
      await stakes.said(name, [one])
      expect([stakes.of(name), asked.length]).toEqual([undefined, 1])
      source.fails = undefined
      source.stalls = false
      await clock.advance(MINUTE)
      await stakes.said(name, [one])
      expect(stakes.of(name)).toBeDefined()
    }
  })

  it('reads so many at once and no more, however many are said', async () => {
    const { clock, stakes, asked } = await scene()
    const many = Array.from({ length: 2000 }, (_, i) => chainAddress(`0x${i.toString(16).padStart(40, '0')}`))
    for (const each of many) await stakes.said(peerName(each), [each, one, two])
    expect(asked.length).toBeLessThanOrEqual(32)
    await clock.advance(10_000)
    for (const each of many) await stakes.said(peerName(each), [each])
    expect(asked.length).toBeLessThanOrEqual(37)
  })
})
