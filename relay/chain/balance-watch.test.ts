import { parseEther, type Address } from 'viem'
import { expect, it } from 'vitest'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { createLog } from '../observe/log.ts'
import { BalanceWatch } from './balance-watch.ts'

const CLAIMS: Address = '0x00000000000000000000000000000000000000c1'
const FAUCET: Address = '0x00000000000000000000000000000000000000fa'
const MINUTE = 60_000

function watch() {
  const clock = new FakeClock()
  const balances = new Map<Address, bigint>([
    [CLAIMS, parseEther('1.5')],
    [FAUCET, 0n],
  ])
  const asked: Address[] = []
  const client = {
    getBalance: async ({ address }: { readonly address: Address }) => {
      asked.push(address)
      return balances.get(address) ?? Promise.reject(new Error('the chain does not answer'))
    },
  }
  const balance = new BalanceWatch(
    { client, clock, log: createLog('silent') },
    { claims: CLAIMS, faucet: FAUCET },
  )
  const read = (): Record<string, number> =>
    Object.fromEntries(Object.entries(balance.counts).map(([name, count]) => [name, count()]))
  return { clock, balances, asked, balance, read }
}

it('knows nothing before it has asked, then what each account has in whole coins', async () => {
  const { balance, clock, read } = watch()
  expect(read()).toEqual({ claims: Number.NaN, faucet: Number.NaN })
  balance.start()
  await clock.advance(0)
  expect(read()).toEqual({ claims: 1.5, faucet: 0 })
  balance.stop()
})

it('asks again each minute, and forgets what it cannot read any more, of that account alone', async () => {
  const { balance, balances, clock, read } = watch()
  balance.start()
  await clock.advance(0)
  balances.set(FAUCET, parseEther('3'))
  balances.delete(CLAIMS)
  await clock.advance(MINUTE - 1)
  expect(read()).toEqual({ claims: 1.5, faucet: 0 })
  await clock.advance(1)
  expect(read()).toEqual({ claims: Number.NaN, faucet: 3 })
  balances.set(CLAIMS, 1n)
  await clock.advance(MINUTE)
  expect(read()).toEqual({ claims: 1e-18, faucet: 3 })
  balance.stop()
})

it('asks nobody after it was stopped, also in the middle of a look', async () => {
  const { balance, asked, clock } = watch()
  balance.start()
  balance.stop()
  await clock.advance(10 * MINUTE)
  expect(asked).toEqual([CLAIMS, FAUCET])
})
