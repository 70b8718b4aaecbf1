import { afterAll, beforeAll, expect, it } from 'vitest'
import { countChecks } from '#shared/verify/board/find-records.ts'
import { until } from '../../relay/testing/fixtures.ts'
import { startAuditGround, type AuditGround } from './audit-ground.ts'

let ground: AuditGround
beforeAll(async () => {
  ground = await startAuditGround()
}, 120_000)
afterAll(() => ground.stop())

it('a relay that audits probes a provider under a fresh name, and another peer reads the verdict', async () => {
  const { relay, engine, provide, keptOf, readBy, portsOfReader } = ground
  const consumers: string[] = []
  const watched = Object.create(engine) as typeof engine
  watched.generate = (request, options) => {
    consumers.push(request.client ?? '')
    return engine.generate(request, options)
  }
  const provider = await provide(watched, 'behind the relay')
  await until('two verdicts are there', async () => (await keptOf(provider)).length >= 2, 90_000)
  const said = await readBy(provider)
  expect(said.length).toBeGreaterThanOrEqual(2)
  for (const { verifier, verdict, staked } of said) {
    expect([verifier, staked]).toEqual([relay.name, undefined])
    expect(verdict.provider).toBe(provider)
    // Short answers come to nothing; none may be called different.
    expect(verdict.outcome).not.toBe('differs')
    expect(verdict.findings.opened).toBe(verdict.findings.tokens)
  }
  expect(consumers).not.toContain(relay.name)
  expect(new Set(consumers).size).toBeGreaterThanOrEqual(2)
  const { agrees = 0, inconclusive = 0, differs } = (await countChecks(portsOfReader()))?.all ?? {}
  expect([agrees + inconclusive >= 2, differs]).toEqual([true, 0])
}, 120_000)
