import { expect, test } from 'vitest'
import { Askers, CallTurns } from './call-turns.ts'

const never = new AbortController().signal
const BUSY = { code: 'chain.busy' }

/** Turns whose order is written down. */
function turns(init: Partial<ConstructorParameters<typeof CallTurns>[0]> = {}) {
  const turns = new CallTurns({ places: 2, reserved: 1, placesPerAsker: 1, waiting: 4, ...init })
  const order: string[] = []
  const leaves: (() => void)[] = []
  const ask = (name: string | undefined, askers = name === undefined ? undefined : new Askers(name)) => {
    const asked = turns.enter(askers, never).then((leave) => {
      order.push(name ?? 'own')
      leaves.push(leave)
    })
    asked.catch(() => undefined)
    return asked
  }
  /** Ends what runs, one after the other, until nothing is left. */
  const drain = async (): Promise<void> => {
    for (let leave = leaves.shift(); leave; leave = leaves.shift()) {
      leave()
      await settled()
    }
  }
  return { turns, order, leaves, ask, drain }
}
const settled = () => new Promise((resolve) => setImmediate(resolve))

test('strangers have turns by address, however much one asks', async () => {
  const { order, ask, drain } = turns()
  const asked = [ask('greedy'), ask('greedy'), ask('greedy'), ask('a'), ask('b')]
  await settled()
  await drain()
  await Promise.all(asked)
  expect(order).toEqual(['greedy', 'greedy', 'a', 'b', 'greedy'])
})

test('strangers leave places to the relay itself, and its own questions come first', async () => {
  const { order, ask, drain } = turns({ places: 3, reserved: 1, placesPerAsker: 2 })
  const asked = [ask('a'), ask('a'), ask('b'), ask('a'), ask(undefined), ask(undefined)]
  await settled()
  expect(order).toEqual(['a', 'a', 'own'])
  await drain()
  await Promise.all(asked)
  expect(order.slice(3)).toEqual(['own', 'b', 'a'])
})

test('one address never takes all places of strangers', async () => {
  const { order, ask } = turns({ places: 4, reserved: 1, placesPerAsker: 2 })
  for (let i = 0; i < 3; i++) void ask('a')
  await settled()
  expect(order).toEqual(['a', 'a'])
  await ask('b')
  expect(order).toEqual(['a', 'a', 'b'])
})

test('of two that wait, who has fewer places is next', async () => {
  const { order, ask, leaves } = turns({ places: 4, reserved: 1, placesPerAsker: 3 })
  for (const name of ['b', 'a', 'a', 'a', 'c']) void ask(name)
  await settled()
  leaves[0]?.()
  await settled()
  expect(order).toEqual(['b', 'a', 'a', 'c'])
})

test('where all wait, the newest of whoever asks most gives way, and whoever asks most is refused', async () => {
  const { order, ask, drain, turns: all } = turns()
  const greedy = Array.from({ length: 5 }, () => ask('greedy'))
  await settled()
  expect(all.waiting).toBe(4)
  await expect(ask('greedy')).rejects.toMatchObject(BUSY)
  const others = [ask('a'), ask('b')]
  await expect(greedy.at(-1)).rejects.toMatchObject(BUSY)
  await expect(greedy.at(-2)).rejects.toMatchObject(BUSY)
  expect(all.waiting).toBe(4)
  await settled()
  await drain()
  await Promise.all(others)
  expect(order).toEqual(['greedy', 'greedy', 'a', 'b', 'greedy'])
  expect(all.waiting).toBe(0)
})

test('who joins a question that waits has it asked at its own turn, and it is not lost with the first asker', async () => {
  const { order, ask, drain, turns: all } = turns()
  const shared = new Askers('greedy')
  const first = [ask('greedy'), ask('greedy'), ask('greedy'), ask('greedy')]
  const joined = ask('shared', shared)
  await settled()
  shared.add('honest')
  shared.add('honest')
  const refused = ask('a') // all places to wait are taken: the newest of the greedy one is the shared question
  await settled()
  expect(all.waiting).toBe(4)
  await expect(first.at(-1)).rejects.toMatchObject(BUSY)
  await drain()
  await Promise.all([joined, refused, ...first.slice(0, 3)])
  expect(order).toEqual(['greedy', 'greedy', 'shared', 'a', 'greedy'])
  expect(all.waiting).toBe(0)
})

test('what is given up makes room, also in the moment of its turn', async () => {
  const { turns: all, ask, leaves } = turns()
  await ask('a')
  const end = new AbortController()
  const given = all.enter(new Askers('a'), end.signal)
  const late = all.enter(new Askers('b'), end.signal)
  await settled()
  leaves.shift()?.() // the turn of the first one comes, and its end at once
  end.abort(new Error('enough'))
  await expect(late).rejects.toThrow('enough')
  await given.then((leave) => leave()).catch(() => undefined)
  expect(all.waiting).toBe(0)
  await ask('c')
})

test('the relay itself is bounded as well', async () => {
  const { ask } = turns({ places: 1, reserved: 1 })
  for (let i = 0; i < 5; i++) void ask(undefined)
  await expect(ask(undefined)).rejects.toMatchObject(BUSY)
})
