import { OFFER_RENEW_MS } from '#shared/schedule/constants.ts'
import { startRelayProcess } from '../../fixtures/relay-process.ts'
import type { BenchOptions } from '../figure.ts'
import { LoadClients } from './load-clients.ts'
import { hasProcessFiles, watchProcess } from './process-usage.ts'
import { TAB_PING_MS } from './tab-pings.ts'

const RESERVATIONS = 500

/** A relay lets one address have 64 connections, 8 new ones a second; here everybody comes from one. */
const WIDE = [
  '--connections-per-ip',
  '2048',
  '--connections-per-ip-per-second',
  '1000',
  '--seed-provider',
  'off',
]

/** What the joins left to do (identify, garbage) is no longer idle work. */
const SETTLE_MS = 8000

/**
 * What a relay costs while nothing happens: memory for each tab that can be reached through it, and the processor's
 * share at 500 of them, without offers and with one live offer each.
 */
export async function benchRelayLoad({ quick, print }: BenchOptions): Promise<void> {
  if (!hasProcessFiles())
    return console.error('the relay’s memory and idle load are skipped: there is no /proc here')
  const windowMs = quick ? 20_000 : 60_000 // a minute holds one ping of each
  const relay = await startRelayProcess({ args: WIDE })
  await using cleanUp = new AsyncDisposableStack()
  cleanUp.defer(() => relay.stop())
  const pid = relay.process.pid ?? 0
  const empty = await watchProcess(pid, SETTLE_MS)
  const clients = cleanUp.use(await LoadClients.start(relay.address, RESERVATIONS))
  const on = { reservations: RESERVATIONS, pingIntervalMs: TAB_PING_MS, windowMs }

  await pause(SETTLE_MS)
  await expectCounts(relay.url, { reservations: RESERVATIONS })
  const idle = await watchProcess(pid, windowMs)
  const perReservation = (idle.residentMb - empty.residentMb) / RESERVATIONS
  const free = { ...on, offers: 0 }
  print(
    { bench: 'mesh', metric: 'relayMemoryPerReservation', case: free, value: perReservation, unit: 'MB' },
    { atMost: 0.25 },
  )
  print(
    { bench: 'mesh', metric: 'relayIdleCpu', case: free, value: idle.cpuPercent, unit: '% of a core' },
    { atMost: 8 },
  )

  await clients.offer()
  await pause(SETTLE_MS)
  await expectCounts(relay.url, { reservations: RESERVATIONS, offers: RESERVATIONS })
  const offering = await watchProcess(pid, windowMs)
  const provided = { ...on, offers: RESERVATIONS, offerRenewMs: OFFER_RENEW_MS }
  print(
    {
      bench: 'mesh',
      metric: 'relayIdleCpu',
      case: provided,
      value: offering.cpuPercent,
      unit: '% of a core',
    },
    { atMost: 12 },
  )
}

/** The relay's own count: a client that believes it is there is not evidence. */
async function expectCounts(url: string, expected: Readonly<Record<string, number>>): Promise<void> {
  const health = (await (await fetch(new URL('/health', url))).json()) as Record<string, unknown>
  for (const [name, count] of Object.entries(expected)) {
    if (health[name] !== count)
      throw new Error(`the relay counts ${String(health[name])} ${name}, not ${count}`)
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
