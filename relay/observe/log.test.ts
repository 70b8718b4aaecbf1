import { expect, test } from 'vitest'
import { createLog, libp2pLogger } from './log.ts'

function capture(level: string) {
  const lines: Record<string, unknown>[] = []
  const log = createLog(level, {
    write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>),
  })
  return { log, lines }
}

test('a line is one JSON object with level, time, scope and text', () => {
  const { log, lines } = capture('info')
  log.child({ scope: 'http' }).info({ port: 1 }, 'listening')
  expect(lines).toEqual([
    {
      level: 'info',
      time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      scope: 'http',
      port: 1,
      msg: 'listening',
    },
  ])
})

test("what strangers do wrong is libp2p's error and our debug line", () => {
  const { log, lines } = capture('debug')
  const logger = libp2pLogger(log).forComponent('libp2p:upgrader')
  logger('not shown %p', 'x')
  logger.error('peer %p sent %d bytes - %e', 'abc', 5, new Error('bad\nline'))
  logger.newScope('inner').error('%s', 'deeper')
  expect(lines.map(({ level, scope, msg }) => [level, scope, msg])).toEqual([
    ['debug', 'libp2p:upgrader', 'peer abc sent 5 bytes - Error: bad\nline'],
    ['debug', 'libp2p:upgrader:inner', 'deeper'],
  ])
})

test('nothing is formatted that is not shown, and TURN passwords never are', () => {
  const { log, lines } = capture('info')
  const untouchable = { toString: () => expect.fail('formatted') }
  libp2pLogger(log).forComponent('x').error('%p', untouchable)
  log.info({ server: { credential: 'secret' } }, 'ice')
  expect(JSON.stringify(lines)).not.toContain('secret')
})

test('a failed WebSocket is told in words, as the error of a line and inside a text of libp2p', async () => {
  const { log, lines } = capture('debug')
  const event = await new Promise((resolve) =>
    new WebSocket('ws://127.0.0.1:1').addEventListener('error', resolve),
  )
  log.debug({ err: event }, 'not reached')
  libp2pLogger(log).forComponent('x').error('dial failed - %e', event)
  const words = 'the connection failed with the event "error"'
  expect(lines).toMatchObject([
    { msg: 'not reached', err: { type: 'Error', message: words } },
    { msg: `dial failed - ${words}` },
  ])
  expect(JSON.stringify(lines)).not.toContain('[object')
})
