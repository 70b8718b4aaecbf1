import { describe, expect, it } from 'vitest'
import { CHEATS } from '#shared/testing/cheats/cheats.ts'
import { runDemo } from '../fixtures/run-demo.ts'

const namesOf = (how: 'check' | 'record'): readonly string[] =>
  CHEATS.filter(({ caughtBy }) => caughtBy === how).map(({ name }) => name)

describe('npm run demo -- --check', () => {
  it('ends with the verdict of a tab of another class', async ({ signal }) => {
    const run = await runDemo(['--check', 'Tell me a story about a fox and a lantern.'], signal)
    expect(run.code, run.err).toBe(0)
    expect(run.report).toMatchObject({ verified: 'agrees', backend: 'webgpu' })
  })

  // The verifier is a Node peer: a tab for each would compile the same kernels each time.
  it.each(namesOf('check'))('shows %s by one check', async (cheat) => {
    const signal = AbortSignal.timeout(180_000)
    const run = await runDemo(['--cheat', cheat, '--verifier', 'node'], signal)
    expect(run.code, run.err).toBe(0)
    expect(run.report).toMatchObject({ cheat, verified: 'differs' })
  })

  it.each(namesOf('record'))('excludes %s after some probes', async (cheat) => {
    const signal = AbortSignal.timeout(180_000)
    const run = await runDemo(['--cheat', cheat], signal)
    expect(run.code, run.err).toBe(0)
    expect(run.report).toMatchObject({ cheat, excluded: true })
  })
})
