import { createServer as createHttpServer, request as httpRequest } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { nodeClock } from '../base/node-clock.ts'
import { startRelay, until } from '../testing/fixtures.ts'
import { selfSigned } from '../testing/self-signed.ts'
import { AddressLimiter } from './address-limiter.ts'
import { HttpServer } from './http-server.ts'
import { PlainSockets } from './plain-sockets.ts'
import { Turns } from './turns.ts'
import type { UpgradePipe } from './upgrade-pipe.ts'

const cleanups: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const REQUEST = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'
const UPGRADE = 'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'

interface Door {
  readonly sockets: PlainSockets
  /** A socket from that address, once the door has counted it or cut it. */
  readonly come: (from: string) => Promise<Client>
}

interface Client {
  readonly socket: Socket
  readonly isCut: () => boolean
  /** What was answered up to now. */
  readonly answers: () => string
  readonly ask: (bytes?: string) => void
  readonly reset: () => void
}

/** A real server with that many places. Requests to `/slow` are never answered to their end. */
async function door({
  max,
  graceMs = 60_000,
  pair,
  pace,
  turns,
}: {
  readonly max: number
  readonly graceMs?: number
  readonly pair?: { readonly cert: string; readonly key: string }
  readonly pace?: AddressLimiter
  readonly turns?: Turns
}): Promise<Door> {
  let from = ''
  let arrived = 0
  const sockets = new PlainSockets(
    {
      ...{ clock: nodeClock, pace, turns },
      clientAddress: ({ headers }) => {
        if (headers.host === undefined) arrived++
        const ip = String(headers['x-from'] ?? from)
        return { ip, group: ip }
      },
    },
    { max, graceMs },
  )
  const pipe = {
    handle: (_request: unknown, socket: Duplex) => {
      cleanups.push(() => void socket.destroy())
      return true
    },
  } as unknown as UpgradePipe
  const server = new HttpServer(
    (request, response) => {
      if (request.url === '/slow') response.write('begun')
      else response.end('done')
    },
    pipe,
    {
      ...{ host: '127.0.0.1', port: 0, sockets },
      certificate: pair && ({ current: pair, onChange: () => undefined } as never),
    },
  )
  await server.listen()
  cleanups.push(() => server.close({ signal: AbortSignal.abort() }))
  const come = async (address: string): Promise<Client> => {
    from = address
    const before = arrived
    const raw = connect(server.port, '127.0.0.1')
    const socket = pair ? connectTls({ socket: raw, ca: pair.cert, servername: 'localhost' }) : raw
    let isCut = false
    let answers = ''
    for (const each of new Set([raw, socket])) {
      each.on('error', () => undefined)
      each.once('close', () => (isCut = true))
    }
    socket.on('data', (data: Buffer) => (answers += data.toString('latin1')))
    cleanups.push(() => void raw.destroy())
    await until('the socket to be counted', () => arrived > before)
    return {
      ...{ socket, isCut: () => isCut, answers: () => answers },
      ask: (bytes = REQUEST) => void socket.write(bytes),
      reset: () => void raw.resetAndDestroy(),
    }
  }
  return { sockets, come }
}

test.each(['http', 'https'] as const)(
  'over %s one address that takes all places gives its newest to a newcomer',
  async (kind) => {
    const { sockets, come } = await door({ max: 4, ...(kind === 'https' ? { pair: selfSigned() } : {}) })
    const greedy: Client[] = []
    for (let count = 0; count < 4; count++) greedy.push(await come('10.0.0.1'))
    const newcomer = await come('10.1.0.1')
    newcomer.ask()
    await until('an answer', () => newcomer.answers().includes('done'))
    await until('the newest to go', () => greedy[3]?.isCut() === true)
    expect([greedy.map(({ isCut }) => isCut()), sockets.size]).toEqual([[false, false, false, true], 4])
    const again = await come('10.0.0.1')
    await until('its next one to go at once', () => again.isCut())
    expect([newcomer.isCut(), sockets.size]).toEqual([false, 4])
  },
)

test('whoever has asked nothing for a while goes before a newcomer of the same address', async () => {
  const { come } = await door({ max: 2, graceMs: 0 })
  const asking = await come('10.0.0.1')
  asking.ask('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n')
  await until('an answer to begin', () => asking.answers().includes('begun'))
  const idle = await come('10.0.0.1')
  const newcomer = await come('10.0.0.1')
  newcomer.ask()
  await until('an answer', () => newcomer.answers().includes('done'))
  await until('the idle one to go', () => idle.isCut())
  expect(asking.isCut()).toBe(false)
})

test('an address that opens more than its pace is cut before TLS, others are not', async () => {
  const pace = new AddressLimiter(new FakeClock(), { rate: { burst: 2, perSecond: 1 }, parallel: 9 })
  const { sockets, come } = await door({ max: 9, pair: selfSigned(), pace })
  const fast = [await come('10.0.0.1'), await come('10.0.0.1'), await come('10.0.0.1')]
  const other = await come('10.1.0.1')
  other.ask()
  await until('an answer', () => other.answers().includes('done'))
  await until('the third to go', () => fast[2]?.isCut() === true)
  expect([fast.map(({ isCut }) => isCut()), sockets.size, pace.open]).toEqual([[false, false, true], 3, 0])
})

test('TLS begins in turns, and whose address waits for least goes first', async () => {
  const clock = new FakeClock()
  const turns = new Turns(clock, { rate: { burst: 1, perSecond: 1 }, max: 9, lookMs: 20 })
  const { sockets, come } = await door({ max: 9, pair: selfSigned(), turns })
  const greedy = [await come('10.0.0.1'), await come('10.0.0.1'), await come('10.0.0.1')]
  const other = await come('10.1.0.1')
  for (const client of [...greedy, other]) client.ask()
  await until('the first to be answered', () => greedy[0]?.answers().includes('done') === true)
  expect(turns.waiting).toBe(3)
  await clock.advance(1020)
  await until('the other one to be answered', () => other.answers().includes('done'))
  expect([turns.waiting, greedy.map(({ answers }) => answers().length > 0)]).toEqual([
    2,
    [true, false, false],
  ])
  greedy[2]?.reset()
  await until('the one that is gone to wait no more', () => turns.waiting === 1)
  expect(sockets.size).toBe(3)
})

test('a WebSocket gives its place back', async () => {
  const { sockets, come } = await door({ max: 1 })
  const webSocket = await come('10.0.0.1')
  webSocket.ask(UPGRADE)
  await until('the place to be free', () => sockets.size === 0)
  const other = await come('10.0.0.1')
  other.ask()
  await until('an answer', () => other.answers().includes('done'))
  expect(webSocket.isCut()).toBe(false)
})

test('a closed socket gives its place back', async () => {
  const { sockets, come } = await door({ max: 2 })
  const first = await come('10.0.0.1')
  first.socket.destroy()
  await until('the place to be free', () => sockets.size === 0)
})

test('behind a proxy sockets count for whom they ask for', async () => {
  const { come } = await door({ max: 4 })
  const proxied: Client[] = []
  for (const client of ['10.0.0.1', '10.0.0.1', '10.0.0.1', '10.1.0.1']) {
    const socket = await come('127.0.0.1')
    socket.ask(`GET / HTTP/1.1\r\nHost: x\r\nX-From: ${client}\r\n\r\n`)
    await until('an answer', () => socket.answers().includes('done'))
    proxied.push(socket)
  }
  await come('127.0.0.1')
  await until('one to go', () => proxied.some(({ isCut }) => isCut()))
  expect(proxied.map(({ isCut }) => isCut())).toEqual([false, false, true, false])
})

// Only Linux answers on all of 127.0.0.0/8.
test.runIf(await canBindTo('127.0.0.2'))(
  'a relay answers one address while another one holds more half requests than there are places',
  async () => {
    const relay = await startRelay()
    cleanups.push(() => relay.stop())
    const port = Number(new URL(relay.httpUrl).port)
    let cut = 0
    for (let count = 0; count < 2200; count++) {
      const socket = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' }, () => socket.write('G'))
      socket.on('error', () => undefined).once('close', () => cut++)
      cleanups.push(() => void socket.destroy())
    }
    await until('the places to be taken', () => cut > 0)
    for (let count = 0; count < 5; count++) {
      const status = await new Promise<number | undefined>((resolve, reject) => {
        const request = httpRequest(
          { port, host: '127.0.0.1', path: '/health', agent: false },
          (response) => {
            response.resume()
            resolve(response.statusCode)
          },
        )
        request.on('error', reject).end()
      })
      expect(status).toBe(200)
    }
    const metrics = await (await fetch(new URL('/metrics', relay.httpUrl))).text()
    expect(metrics).toMatch(/infernet_sockets_cut_total\{reason="crowded"\} [1-9]/)
  },
)

async function canBindTo(host: string): Promise<boolean> {
  const server = createHttpServer()
  const { promise, resolve } = Promise.withResolvers<boolean>()
  server.once('error', () => resolve(false)).listen(0, host, () => resolve(true))
  return promise.finally(() => server.close())
}
