import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { COMPLIANCE_MAX_WAITING, collect, runEngineCompliance } from '#shared/testing/engine-compliance.ts'
import { readTinyModel } from '#shared/testing/tiny-model.ts'
import { createNodeEngine } from './node-engine.ts'

const modelFolder = fileURLToPath(new URL('../../web/public/models/infernet-tiny/', import.meta.url))
const { manifest, tokenizer } = await readTinyModel('fp32')
const promptTokens = tokenizer.encodeChat([{ role: 'user', content: 'Tell me a story about a cat.' }])

runEngineCompliance('the engine in a worker thread', {
  create: () =>
    createNodeEngine({ manifest, modelFolder, maxStreams: 1, maxWaiting: COMPLIANCE_MAX_WAITING }),
  promptTokens,
})

describe('createNodeEngine', () => {
  it('leaves the event loop free while it computes', async () => {
    const engine = await createNodeEngine({ manifest, modelFolder })
    const long = Array.from({ length: 300 }, (_, i) => promptTokens[i % promptTokens.length] ?? 0)
    let beats = 0
    const heart = setInterval(() => beats++, 5)
    const begun = performance.now()
    await collect(engine, {
      promptTokens: long,
      priorTokens: [],
      sampler: { temperature: 0, topP: 1 },
      seed: new Uint8Array(0),
      maxTokens: 4,
    })
    clearInterval(heart)
    // A blocked loop would give one or two beats; half of those that fit leaves room for a busy machine.
    expect(beats).toBeGreaterThan((performance.now() - begun) / 5 / 4)
    await engine.close()
  }, 60_000)

  it('reports its progress from the first byte to the test', async () => {
    const phases = new Set<string>()
    const engine = await createNodeEngine({
      manifest,
      modelFolder,
      onProgress: ({ phase }) => phases.add(phase),
    })
    expect([...phases]).toEqual(['downloading', 'starting', 'testing'])
    await engine.close()
  })

  it('names a missing model, and a missing GPU package', async () => {
    const nowhere = createNodeEngine({ manifest, modelFolder: '/nowhere' })
    await expect(nowhere).rejects.toMatchObject({ code: 'models.unavailable' })
    const gpu = createNodeEngine({ manifest, modelFolder, backend: 'webgpu' })
    await expect(gpu).rejects.toMatchObject({ code: expect.stringMatching(/^engine\.no-/) as string })
  })

  it('ends its thread when the load is called off', async () => {
    const controller = new AbortController()
    const loading = createNodeEngine({ manifest, modelFolder }, { signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(loading).rejects.toThrow('enough')
  })
})
