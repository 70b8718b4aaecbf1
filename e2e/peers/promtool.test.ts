import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { startFakeChain } from '../../relay/testing/fake-chain.ts'
import { someNetwork, startChainRelay } from '../../relay/testing/chain-fixtures.ts'
import { selfSigned } from '../../relay/testing/self-signed.ts'
import { startRelay, temporaryFolder } from '../../relay/testing/fixtures.ts'
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

const MONITORING = fileURLToPath(new URL('../../relay/monitoring/', import.meta.url))

it.runIf(promtool !== undefined)('the alert rules pass promtool, and each fires when it should', () => {
  for (const [what, file] of [
    ['check', 'alerts.yml'],
    ['test', 'alerts.test.yml'],
  ] as const) {
    const { status, stdout, stderr } = spawnSync(promtool ?? '', [what, 'rules', file], {
      cwd: MONITORING,
      encoding: 'utf8',
    })
    expect([what, status, status === 0 ? '' : stdout + stderr]).toEqual([what, 0, ''])
  }
  const alerts = readFileSync(join(MONITORING, 'alerts.yml'), 'utf8').matchAll(/alert: (\w+)/g)
  const tested = readFileSync(join(MONITORING, 'alerts.test.yml'), 'utf8')
  for (const [, name] of alerts) expect(tested).toContain(`alertname="${name}",alertstate="firing"`)
})

/** All metrics that some relay has: with a chain and accounts, and with a certificate. */
async function scrapeAll(): Promise<string> {
  await using chain = await startFakeChain({ eth_getBalance: () => '0x1' })
  const folder = await temporaryFolder()
  const [keyFile, cert, tlsKey] = ['relay.key', 'cert.pem', 'key.pem'].map((name) => join(folder.path, name))
  const pair = selfSigned()
  await writeFile(keyFile ?? '', '1'.repeat(64), { mode: 0o600 })
  await writeFile(cert ?? '', pair.cert)
  await writeFile(tlsKey ?? '', pair.key)
  const relays = [
    await startChainRelay(someNetwork([chain.url]), { relayKeyFile: keyFile ?? '' }),
    await startRelay({ tlsCert: cert ?? '', tlsKey: tlsKey ?? '' }),
  ]
  const texts = await Promise.all(relays.map(({ metrics }) => metrics.text()))
  for (const relay of relays) await relay.stop()
  await folder.remove()
  return texts.join('\n')
}

it('each metric of the dashboard and of the alerts is in a real scrape', async () => {
  const scrape = await scrapeAll()
  const known = new Set([...scrape.matchAll(/^# TYPE (\w+) /gm)].map(([, name]) => name))
  const files = ['dashboard.json', 'alerts.yml']
    .map((name) => readFileSync(join(MONITORING, name), 'utf8'))
    .join('\n')
  const named = new Set([...files.matchAll(/\b(?:infernet|process|nodejs)_\w+/g)].map(([name]) => name))
  expect(named.size).toBeGreaterThan(15)
  expect([...named].filter((name) => !known.has(name))).toEqual([])
})
