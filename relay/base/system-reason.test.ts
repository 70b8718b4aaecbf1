import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { systemCode, systemReason } from './system-reason.ts'

const thrownBy = (act: () => unknown): unknown => {
  try {
    return act()
  } catch (thrown) {
    return thrown
  }
}

test('a failure of the system is told by its name and its words', () => {
  const missing = thrownBy(() => readFileSync('/nowhere'))
  expect([systemCode(missing), systemReason(missing)]).toEqual([
    'ENOENT',
    'ENOENT: no such file or directory',
  ])
})

test('a failed WebSocket has a reason that is no "[object ErrorEvent]"', async () => {
  const socket = new WebSocket('ws://127.0.0.1:1')
  const event = await new Promise((resolve) => socket.addEventListener('error', resolve))
  expect(systemCode(event)).toBeUndefined()
  expect(systemReason(event)).toMatchInlineSnapshot(`"the connection failed with the event "error""`)
})

test('whatever is thrown, there are words', () => {
  const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED', errno: -111 })
  const aggregate = new AggregateError([refused, new Error('late'), refused], '')
  const loop = new Error('')
  loop.cause = loop
  const all = [
    undefined,
    null,
    '',
    7,
    {},
    new Error(''),
    new TypeError(),
    aggregate,
    loop,
    'a\nb',
    { type: 'error' },
  ]
  expect(all.map(systemReason)).toMatchInlineSnapshot(`
    [
      "no reason was given",
      "no reason was given",
      "no reason was given",
      "7",
      "no reason was given",
      "no reason was given",
      "TypeError",
      "ECONNREFUSED: connection refused; late",
      "no reason was given",
      "a",
      "no reason was given",
    ]
  `)
})
