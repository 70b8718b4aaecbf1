import { expect, it } from 'vitest'
import {
  countInWords,
  formatBytes,
  formatCount,
  formatInf,
  formatMillis,
  formatPerMillion,
  formatPrice,
  formatSeconds,
  formatSpan,
  formatSpeed,
  providersInWords,
  pathInWords,
  plural,
} from './format.ts'

const INF = 10n ** 18n

it('writes money with its unit, exactly enough, without exponents', () => {
  expect(formatInf(0n)).toBe('0 INF')
  expect(formatInf(INF / 1000n + INF / 5000n)).toBe('0.0012 INF')
  expect(formatInf(200_000_000_000n)).toBe('0.0000002 INF')
  expect(formatInf(1n)).toBe('under 0.000000001 INF')
  expect(formatInf(41_862n * (INF / 100n))).toBe('418.62 INF')
  expect(formatInf(-INF)).toBe('−1.00 INF')
  // As the wallet writes it: cut, never rounded up.
  expect(formatInf(21_600_000_000_000n)).toBe('0.000021 INF')
})

it('writes a price for a million tokens without trailing zeros', () => {
  expect(formatPerMillion(2n * 10n ** 17n)).toBe('0.2')
  expect(formatPerMillion(62n * 10n ** 17n)).toBe('6.2')
  expect(formatPerMillion(14n * 10n ** 18n)).toBe('14')
  expect(formatPerMillion(1_000n * 10n ** 18n)).toBe('1,000')
  expect(formatPerMillion(0n)).toBe('0')
  expect(formatPrice(0n), 'in a column of prices').toBe('free')
  expect(formatPrice(2n * 10n ** 17n)).toBe('0.2')
})

it('writes sizes, spans and speeds for people', () => {
  expect([
    formatBytes(900),
    formatBytes(2_541_360),
    formatBytes(262_000_000),
    formatBytes(1_340_000_000),
  ]).toEqual(['1 kB', '2.5 MB', '262 MB', '1.3 GB'])
  expect([formatSpan(4_000), formatSpan(18 * 60_000), formatSpan(134 * 60_000), formatSpan(-5)]).toEqual([
    '4 s',
    '18 min',
    '2 h 14 min',
    '0 s',
  ])
  expect([formatSeconds(1240), formatSeconds(12_400)]).toEqual(['1.2 s', '12 s'])
  expect([formatMillis(0.4), formatMillis(18.2)]).toEqual(['under 1 ms', '18 ms'])
  expect([formatSpeed(6.04), formatSpeed(44.4), formatSpeed(1234)]).toEqual([
    '6.0 tok/s',
    '44 tok/s',
    '1,234 tok/s',
  ])
})

it('counts in words where a person would', () => {
  expect([
    plural(1, 'tab'),
    plural(2, 'tab'),
    plural(1, 'more is', 'more are'),
    formatCount(654_812),
  ]).toEqual(['1 tab', '2 tabs', '1 more is', '654,812'])
  expect([countInWords(3), countInWords(11)]).toEqual(['Three', '11'])
})

it('calls a server a server, never a tab', () => {
  expect(providersInWords({ tabs: 2, servers: 0 })).toBe('2 tabs')
  expect(providersInWords({ tabs: 0, servers: 1 })).toBe('1 server')
  expect(providersInWords({ tabs: 2, servers: 1 })).toBe('2 tabs and 1 server')
  expect(providersInWords({ tabs: 0, servers: 0 })).toBe('0 tabs')
  expect([pathInWords('webrtc'), pathInWords('relayed'), pathInWords('websocket')]).toEqual([
    'direct',
    'relayed',
    'straight from the server',
  ])
})
