import { afterEach, expect, it } from 'vitest'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { Engine } from '#shared/engine/engine.ts'
import { until } from '../../relay/testing/fixtures.ts'
import { startAuditGround, type AuditGround } from './audit-ground.ts'

let ground: AuditGround | undefined
afterEach(async () => {
  await ground?.stop()
  ground = undefined
})

it('an auditor whose own engine cannot be started has a stranger read the answers, and tells that verdict', async () => {
  let tried = 0
  ground = await startAuditGround({
    reads: {
      of: async () => {
        tried++
        throw new InfernetError('engine.out-of-memory')
      },
      stop: async () => undefined,
    },
  })
  const { relay, engine, provide, keptOf } = ground
  const read: string[] = []
  const watched = (name: string): Engine => {
    const own = Object.create(engine) as Engine
    own.score = (request, options) => {
      read.push(name)
      return engine.score(request, options)
    }
    return own
  }
  const [first, second] = [
    await provide(watched('first'), 'at a socket'),
    await provide(watched('second'), 'behind the relay'),
  ]
  const said = async () => [...(await keptOf(first)), ...(await keptOf(second))]
  await until(
    'verdicts about both',
    async () => {
      const of = new Set((await said()).map(({ verdict }) => verdict.provider))
      return of.size === 2
    },
    120_000,
  )
  expect(tried).toBeGreaterThanOrEqual(2)
  expect(new Set(read)).toEqual(new Set(['first', 'second']))
  for (const { verifier, verdict } of await said()) {
    // Each was read by the other one, which signs; the relay read nothing and signs nothing.
    expect(verifier).toBe(verdict.provider === first ? second : first)
    expect(verifier).not.toBe(relay.name)
    expect(verdict.outcome).not.toBe('differs')
    expect(verdict.findings.opened).toBe(verdict.findings.tokens)
  }
}, 180_000)

it('accuses nobody where nobody else has the model', async () => {
  const failures: string[] = []
  const said: string[] = []
  ground = await startAuditGround({
    reads: {
      of: () => Promise.reject(new InfernetError('engine.out-of-memory')),
      stop: async () => undefined,
    },
    log: {
      ...silentLog,
      info: (facts: unknown) => {
        if (typeof facts === 'string') said.push(facts)
        const { code, at } = facts as { code?: string; at?: string }
        if (at === 'check' && code) failures.push(code)
      },
    } as never,
  })
  const provider = await ground.provide(ground.engine, 'at a socket')
  await until('a probe that could not be checked', () => failures.length > 0, 90_000)
  expect(await ground.keptOf(provider)).toEqual([])
  // It has no money, and says so once.
  expect(said.filter((words) => words.startsWith('only providers that work for nothing'))).toHaveLength(1)
}, 120_000)

const nothing = (): void => undefined
const silentLog = { debug: nothing, warn: nothing, error: nothing }
