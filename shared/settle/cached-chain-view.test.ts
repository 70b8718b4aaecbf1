import { beforeEach, describe, expect, it } from 'vitest'
import { InfernetError } from '../errors/infernet-error.ts'
import { FakeChain } from '../testing/fake-chain.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { PAYER, someAddress } from '../testing/payments.ts'
import { CachedChainView } from './cached-chain-view.ts'
import {
  ACCOUNT_MAX_AGE_MS,
  ACCOUNT_STALE_LIMIT_MS,
  CHAIN_CALL_DEADLINE_MS,
  MAX_CHAIN_CALLS,
} from './constants.ts'

describe('the remembered view of the chain', () => {
  let clock: FakeClock
  let chain: FakeChain
  let view: CachedChainView

  beforeEach(() => {
    clock = new FakeClock()
    chain = new FakeChain()
    chain.deposit(PAYER, 100n)
    view = new CachedChainView(chain, clock)
  })

  it('asks once for many, and again when the answer is old or must be fresh', async () => {
    await Promise.all([view.account(PAYER), view.account(PAYER), view.account(PAYER)])
    expect(chain.reads).toBe(1)
    await clock.advance(ACCOUNT_MAX_AGE_MS - 1)
    await view.account(PAYER)
    expect(chain.reads).toBe(1)
    await clock.advance(1)
    await view.account(PAYER)
    expect(chain.reads).toBe(2)
    chain.deposit(PAYER, 1n)
    expect(await view.account(PAYER)).toMatchObject({ balance: 100n })
    expect(await view.account(PAYER, { isFresh: true })).toMatchObject({ balance: 101n })
    expect(await view.account(PAYER)).toMatchObject({ balance: 101n })
  })

  it('goes on for some minutes with what it knew when the chain is down, and then says so', async () => {
    await view.account(PAYER)
    chain.isDown = true
    await clock.advance(ACCOUNT_STALE_LIMIT_MS - 1)
    expect(await view.account(PAYER)).toMatchObject({ balance: 100n })
    await expect(view.account(PAYER, { isFresh: true })).rejects.toMatchObject({
      code: 'payment.chain-unreachable',
    })
    await clock.advance(1)
    await expect(view.account(PAYER)).rejects.toMatchObject({ code: 'payment.chain-unreachable' })
    await expect(view.account(someAddress('77'))).rejects.toMatchObject({ code: 'payment.chain-unreachable' })
    chain.isDown = false
    expect(await view.account(PAYER)).toMatchObject({ balance: 100n })
  })

  it('waits for no node longer than its deadline, and buries none in questions', async () => {
    chain.account = () => new Promise(() => undefined)
    const slow = Array.from({ length: MAX_CHAIN_CALLS }, (_, i) =>
      view.account(someAddress((i + 10).toString(16).padStart(2, '0'))),
    )
    const results = Promise.allSettled(slow)
    await expect(view.account(someAddress('ff'))).rejects.toMatchObject({ code: 'payment.chain-unreachable' })
    await clock.advance(CHAIN_CALL_DEADLINE_MS)
    for (const result of await results)
      expect(result).toMatchObject({ reason: { code: 'payment.chain-unreachable' } })
    const controller = new AbortController()
    const cancelled = view.account(PAYER, { signal: controller.signal })
    controller.abort(new InfernetError('stream.cancelled'))
    await expect(cancelled).rejects.toMatchObject({ code: 'stream.cancelled' })
  })
})
