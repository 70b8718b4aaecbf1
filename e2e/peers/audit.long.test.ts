import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Engine } from '#shared/engine/engine.ts'
import type { PeerName } from '#shared/base/ids.ts'
import { countChecks } from '#shared/verify/board/find-records.ts'
import { until } from '../../relay/testing/fixtures.ts'
import { startAuditGround, type AuditGround } from './audit-ground.ts'

let ground: AuditGround
beforeAll(async () => {
  ground = await startAuditGround()
}, 120_000)
afterAll(() => ground.stop())

it('an audit finds that an honest provider agrees and one that draws otherwise differs, wherever they are', async () => {
  const { relay, engine, provide, keptOf, readBy, portsOfReader } = ground
  const cheat: Engine = {
    ...engine,
    generate: (request, options) =>
      engine.generate({ ...request, sampler: { temperature: 2, topP: 1 } }, options),
  }
  const honest = await provide(engine, 'behind the relay')
  const cheating = await provide(cheat, 'at a socket')
  const has = async (provider: PeerName, outcome: string): Promise<boolean> =>
    (await keptOf(provider)).some(({ verdict }) => verdict.outcome === outcome)
  await until('the honest one agrees', () => has(honest, 'agrees'), 180_000)
  await until('the other one differs', () => has(cheating, 'differs'), 180_000)
  const said = [...(await readBy(honest)), ...(await readBy(cheating))]
  expect(new Set(said.map(({ verdict }) => verdict.provider))).toEqual(new Set([honest, cheating]))
  for (const { verifier, verdict } of said) {
    expect(verifier).toBe(relay.name)
    if (verdict.provider === honest) expect(verdict.outcome).not.toBe('differs')
  }
  const counts = await countChecks(portsOfReader())
  expect(counts?.all.agrees).toBeGreaterThanOrEqual(1)
  expect(counts?.all.differs).toBeGreaterThanOrEqual(1)
  expect(counts?.staked).toEqual({ agrees: 0, differs: 0, inconclusive: 0 })
}, 400_000)
