import { expect, it } from 'vitest'
import { PageYield } from './yield-to-page.ts'

function setUp(allowed = 1) {
  const world = { allowed, told: [] as number[], draw: undefined as ((atMs: number) => void) | undefined }
  const watched = new PageYield({
    onFrame: (callback) => {
      world.draw = callback
      return () => (world.draw = undefined)
    },
    allowed: () => world.allowed,
    tell: (share) => world.told.push(share),
  })
  let at = 0
  const frames = (count: number, ms: number): void => {
    for (let i = 0; i < count; i++) world.draw?.((at += ms))
  }
  return Object.assign(world, { watched, frames })
}

it('tells the engine what the visitor allows, and less of it while frames come late', () => {
  const { watched, told, frames } = setUp(0.5)
  watched.changed()
  expect(told).toEqual([0.5])
  watched.watch(true)
  frames(100, 16)
  expect(told).toEqual([0.5])
  frames(50, 60)
  expect(told.at(-1)).toBeLessThan(0.25)
  expect(watched.yielding).toBeLessThan(0.5)
  frames(1500, 16)
  expect(told.at(-1)).toBe(0.5)
})

it('asks for frames only while it watches', () => {
  const world = setUp()
  expect(world.draw).toBeUndefined()
  world.watched.watch(true)
  world.watched.watch(true)
  expect(world.draw).toBeDefined()
  world.watched.watch(false)
  expect(world.draw).toBeUndefined()
})

it('takes the time between two watches for no late frame', () => {
  const world = setUp()
  world.watched.watch(true)
  world.frames(100, 16)
  world.watched.watch(false)
  world.watched.watch(true)
  world.frames(1, 60_000)
  world.frames(100, 16)
  expect(world.told).toEqual([])
})
