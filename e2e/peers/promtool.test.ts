import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { startFakeChain } from '../../relay/testing/fake-chain.ts'
import { someNetwork, startChainRelay } from '../../relay/testing/chain-fixtures.ts'
import { findPromtool } from '../fixtures/find-debian.ts'

const promtool = findPromtool()
if (promtool === undefined)
  console.warn('promtool is not here and cannot be installed: what needs it is left out')

it.runIf(promtool !== undefined)('a real scrape passes promtool, with a chain and without', async () => {
  await using chain = await startFakeChain()
  for (const urls of [[chain.url], []]) {
    const relay = await startChainRelay(someNetwork(urls.length > 0 ? urls : ['http://127.0.0.1:1']))
    try {
      const scrape = await (await fetch(new URL('/metrics', relay.httpUrl))).text()
      const { status, stderr } = spawnSync(promtool ?? '', ['check', 'metrics'], {
        input: scrape,
        encoding: 'utf8',
      })
      expect([status, stderr]).toEqual([0, ''])
    } finally {
      await relay.stop()
    }
  }
})
