import { beforeEach, expect, it } from 'vitest'
import { ChangeEmitter } from '#shared/base/change-emitter.ts'
import { peerName } from '#shared/base/ids.ts'
import { epochMillis } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { Accusation, AccusationState } from '#shared/peer/accusation.ts'
import type { Provision } from '#shared/peer/peer.ts'
import { someModel } from '#shared/testing/peers.ts'
import { createLog } from '../observe/log.ts'
import { logAccusations } from './log-accusations.ts'

const reason = new InfernetError('engine.self-test-failed', { wrong: 2, total: 15 })
let lines: Record<string, unknown>[]
let changes: ChangeEmitter
let provided: {
  provision: Provision
  accusation: Accusation | undefined
  failure: InfernetError | undefined
  onChange: (callback: () => void) => () => void
}
let stop: () => void

beforeEach(() => {
  lines = []
  changes = new ChangeEmitter()
  provided = {
    provision: { model: someModel('a') } as Provision,
    ...{ accusation: undefined, failure: undefined, onChange: (callback) => changes.listen(callback) },
  }
  const log = createLog('info', {
    write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>),
  })
  stop = logAccusations(provided, log)
})

const enter = (state: AccusationState): void => {
  provided.accusation = {
    ...{ verifier: peerName('somebody'), model: someModel('a'), at: epochMillis(1), isStaked: false, state },
    ...{ class: { backend: 'wasm', adapter: 'x', build: 'y' }, difference: 'tokens' },
  }
  changes.emit()
}
const told = (): unknown[] => lines.map(({ level, msg }) => `${String(level)} ${String(msg)}`)

it('tells of a test and of what it came to, once each', () => {
  enter({ stage: 'resting', until: epochMillis(9) })
  enter({ stage: 'waiting' })
  enter({ stage: 'testing' })
  changes.emit()
  enter({ stage: 'passed', at: epochMillis(5) })
  changes.emit()
  expect(told()).toEqual([
    'warn somebody says that an answer differs; the engine tests itself',
    'info the engine passed its self-test, and goes on',
  ])
  expect(lines[0]).toMatchObject({
    verifier: 'somebody',
    isStaked: false,
    backend: 'wasm',
    difference: 'tokens',
  })
})

it('tells why it stopped, once', () => {
  enter({ stage: 'testing' })
  provided.failure = reason
  enter({ stage: 'failed', reason })
  changes.emit()
  expect(told().slice(1)).toEqual(['warn the engine failed its self-test', 'error the seed provider stopped'])
  expect(lines.at(-1)).toMatchObject({
    code: 'engine.self-test-failed',
    reason: 'The self-test got 2 of 15 tokens wrong.',
  })
})

it('tells why it could not be tested, and nothing once undone', () => {
  enter({ stage: 'undecided', reason: new InfernetError('stream.busy', { running: 1 }) })
  expect(lines).toMatchObject([{ msg: 'the engine could not be tested again', code: 'stream.busy' }])
  stop()
  enter({ stage: 'testing' })
  expect(lines).toHaveLength(1)
})
