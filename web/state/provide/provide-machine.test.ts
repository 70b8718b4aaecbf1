import { expect, it } from 'vitest'
import { isProviding, isPreparing, mayFollow, type ProvideStage } from './provide-machine.ts'

it('goes from the switch to live only through the preparation', () => {
  const path: ProvideStage[] = ['idle', 'checking', 'downloading', 'starting', 'testing', 'live']
  for (const [i, stage] of path.slice(1).entries()) expect(mayFollow(path[i]!, stage)).toBe(true)
  expect(mayFollow('idle', 'live')).toBe(false)
  expect(mayFollow('ended', 'live')).toBe(false)
  expect(mayFollow('draining', 'live')).toBe(false)
})

it('tells preparing from lending', () => {
  expect(
    ['checking', 'downloading', 'starting', 'testing'].every((s) => isPreparing(s as ProvideStage)),
  ).toBe(true)
  expect(['live', 'paused', 'draining'].every((s) => isProviding(s as ProvideStage))).toBe(true)
  expect(
    ['idle', 'ended', 'failed'].some((s) => isProviding(s as ProvideStage) || isPreparing(s as ProvideStage)),
  ).toBe(false)
})
