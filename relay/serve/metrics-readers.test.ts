import { connect } from 'node:net'
import { expect, test } from 'vitest'
import type { RelayConfig } from '../config/options.ts'
import { startRelay } from '../testing/fixtures.ts'
import { MetricsReaders } from './metrics-readers.ts'
import { PlaceFinder } from './place.ts'

type Changes = Partial<Pick<RelayConfig, 'metrics' | 'host' | 'announce' | 'trustProxy'>>

/** Whether such a request is let in. */
function may(changes: Changes, headers: Record<string, string> = {}, remoteAddress = '127.0.0.1'): boolean {
  const config = {
    ...({ metrics: 'auto', host: '127.0.0.1', announce: [], trustProxy: 0 } satisfies Changes),
    ...changes,
  }
  const request = {
    headers: { host: '127.0.0.1:8080', ...headers },
    socket: { remoteAddress },
    ...{ httpVersionMajor: 1, httpVersionMinor: 1 },
  }
  return new MetricsReaders(config, new PlaceFinder(config)).may(request as never)
}

test('without an option they are for this machine, where the relay listens on loopback alone', () => {
  for (const host of ['127.0.0.1', '127.0.0.2', 'localhost', '::1'])
    expect([host, may({ host })]).toEqual([host, true])
  for (const host of ['0.0.0.0', '::', '192.168.1.5', 'relay.example'])
    expect([host, may({ host })]).toEqual([host, false])
})

test('the operator may let private addresses in, everybody, or nobody', () => {
  const local = { metrics: 'local', host: '0.0.0.0' } as const
  for (const address of ['127.0.0.1', '10.1.2.3', '192.168.1.7', '::1', '::ffff:10.0.0.1', 'fd00::1'])
    expect([address, may(local, {}, address)]).toEqual([address, true])
  for (const address of ['8.8.8.8', '2606:4700::1', '::ffff:8.8.8.8', ''])
    expect([address, may(local, {}, address)]).toEqual([address, false])
  expect(may({ metrics: 'public' }, { via: '1.1 x', host: 'evil.example' }, '8.8.8.8')).toBe(true)
  expect(may({ metrics: 'off' })).toBe(false)
})

test('what came through a proxy is refused, trusted or not, whatever it says of its client', () => {
  const signs: Record<string, string>[] = [
    { 'x-real-ip': '8.8.8.8' },
    { 'x-real-ip': '' },
    { 'x-forwarded-for': 'unknown' },
    { 'x-forwarded-for': '127.0.0.1' },
    { 'x-forwarded-for': '' },
    { 'x-forwarded-host': 'relay.example' },
    { 'x-forwarded-proto': 'https' },
    { forwarded: 'for=_hidden' },
    { via: '1.1 varnish' },
    { 'cf-connecting-ip': '8.8.8.8' },
    { 'true-client-ip': '8.8.8.8' },
    { 'x-azure-clientip': '8.8.8.8' },
    { 'x-envoy-external-address': '8.8.8.8' },
    { 'x-remote-addr': '8.8.8.8' },
  ]
  for (const trustProxy of [0, 1, 2, ['127.0.0.0/8']])
    for (const headers of signs)
      expect([trustProxy, headers, may({ metrics: 'local', trustProxy }, headers)]).toEqual([
        trustProxy,
        headers,
        false,
      ])
})

test('a page of a stranger, whose name leads here, does not read them', () => {
  const host = 'evil.example:8080'
  expect(may({}, { host })).toBe(false)
  expect(may({ announce: ['/dns/relay.example/tcp/443/wss'] }, { host })).toBe(false)
  expect(may({ announce: ['/dns/relay.example/tcp/443/wss'] }, { host: 'relay.example' })).toBe(true)
  for (const own of ['localhost:8080', '[::1]:8080', 'relay:8080', 'relay.internal', '192.168.1.5'])
    expect([own, may({}, { host: own })]).toEqual([own, true])
  expect(may({}, { host: '' })).toBe(false)
})

test('a proxy that says nothing, and still speaks HTTP/1.0, is one all the same', async () => {
  const relay = await startRelay()
  try {
    const answerTo = async (version: string): Promise<string> => {
      const { port } = new URL(relay.httpUrl)
      const socket = connect(Number(port), '127.0.0.1')
      socket.write(`GET /metrics HTTP/${version}\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`)
      let text = ''
      for await (const chunk of socket.setEncoding('utf8')) text += String(chunk)
      return text.slice(0, text.indexOf('\r\n'))
    }
    expect(await answerTo('1.1')).toBe('HTTP/1.1 200 OK')
    expect(await answerTo('1.0')).toBe('HTTP/1.1 404 Not Found')
  } finally {
    await relay.stop()
  }
})
