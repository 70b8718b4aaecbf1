import type { Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { afterEach, expect, test } from 'vitest'
import { until } from '../testing/fixtures.ts'
import { PendingHandshakes, type HandshakeCut, type PendingHandshakesInit } from './pending-handshakes.ts'

const cleanups: (() => void)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

interface Rig {
  readonly handshakes: PendingHandshakes
  readonly cut: HandshakeCut[]
  readonly begin: (group: string) => Side
}
interface Side {
  readonly client: Socket
  readonly say: () => void
  readonly answer: () => void
  readonly isCut: () => boolean
}

/** Looks every 10 ms. */
function rig(init: PendingHandshakesInit = {}): Rig {
  const cut: HandshakeCut[] = []
  const handshakes = new PendingHandshakes({ sweepMs: 10, onCut: (reason) => cut.push(reason), ...init })
  cleanups.push(() => handshakes.stop())
  const begin = (group: string): Side => {
    const [client, upstream] = [new PassThrough(), new PassThrough()]
    handshakes.begin(client as unknown as Socket, upstream as unknown as Socket, group)
    return {
      client: client as unknown as Socket,
      say: () => void client.write('x'),
      answer: () => void upstream.write('x'),
      isCut: () => client.destroyed,
    }
  }
  return { handshakes, cut, begin }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

test('who says nothing after an answer is cut; who waits for one, or speaks, is not', async () => {
  const { handshakes, cut, begin } = rig({ silentMs: 200 })
  const [silent, waiting, talking] = [begin('10.0.0.1'), begin('10.0.0.1'), begin('10.0.0.1')]
  for (const each of [silent, waiting, talking]) each.answer()
  waiting.say()
  const words = setInterval(() => (talking.say(), talking.answer()), 5)
  cleanups.push(() => clearInterval(words))
  await until('the silent one to go', () => silent.isCut())
  await sleep(400)
  expect([waiting.isCut(), talking.isCut(), cut, handshakes.size]).toEqual([
    false,
    false,
    ['silent-handshake'],
    2,
  ])
})

test('who has joined is silent as long as it likes, and takes no place', async () => {
  const { handshakes, begin } = rig({ silentMs: 50 })
  const side = begin('10.0.0.1')
  side.answer()
  handshakes.end(side.client)
  await sleep(200)
  expect([side.isCut(), handshakes.size, side.client.listenerCount('data')]).toEqual([false, 0, 0])
})

test('when all places are taken, the address with most gives its newest to another one', () => {
  const { cut, begin } = rig({ max: 3 })
  const greedy = [begin('10.0.0.1'), begin('10.0.0.1'), begin('10.0.0.1')]
  const other = begin('10.1.0.1')
  expect([greedy.map(({ isCut }) => isCut()), other.isCut(), cut]).toEqual([
    [false, false, true],
    false,
    ['crowded-handshakes'],
  ])
  expect([begin('10.0.0.1').isCut(), other.isCut()]).toEqual([true, false])
})

test('it gives first what has been silent for a second', async () => {
  const { begin } = rig({ max: 3 })
  const greedy = [begin('10.0.0.1'), begin('10.0.0.1'), begin('10.0.0.1')]
  greedy[1]?.answer()
  await sleep(1500) // a slower machine only looks more often
  begin('10.0.0.1')
  expect(greedy.map(({ isCut }) => isCut())).toEqual([false, true, false])
})

test('who goes gives its place back', async () => {
  const { handshakes, begin } = rig()
  begin('10.0.0.1').client.destroy()
  await until('the place to be free', () => handshakes.size === 0)
})
