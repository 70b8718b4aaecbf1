import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { createFakeEngine } from '../../testing/fake-engine.ts'
import { realClock } from '../../testing/real-clock.ts'
import { ENGINE_BUILD, ownClass } from './own-class.ts'

it('names the build that is installed', async () => {
  const file = await readFile(new URL('../../../package.json', import.meta.url), 'utf8')
  const { dependencies } = JSON.parse(file) as { dependencies: Record<string, string> }
  expect(ENGINE_BUILD).toBe(`onnxruntime-web ${dependencies['onnxruntime-web']}`)
})

it('says of an engine what a verdict may hold', () => {
  const { info } = createFakeEngine({
    clock: realClock,
    info: { adapter: 'a'.repeat(99), backend: 'webgpu' },
  })
  expect(ownClass(info)).toEqual({ backend: 'webgpu', adapter: 'a'.repeat(60), build: ENGINE_BUILD })
})
