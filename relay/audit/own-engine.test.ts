import { fileURLToPath } from 'node:url'
import type { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MINUTE_MS } from '#shared/base/units.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { readTinyModel } from '#shared/testing/tiny-model.ts'
import type { AuditedModel } from './audited-models.ts'
import { OwnEngine } from './own-engine.ts'

const modelFolder = fileURLToPath(new URL('../../web/public/models/infernet-tiny/', import.meta.url))
const { manifest } = await readTinyModel('fp32')
const model = { manifest, modelFolder } as AuditedModel

describe('OwnEngine', () => {
  let clock: FakeClock
  let own: OwnEngine
  let threads: Set<Worker>
  const onWorker = (worker: Worker): void => {
    const own = threads
    own.add(worker)
    worker.on('exit', () => own.delete(worker))
  }
  const running = (): number => threads.size
  beforeEach(() => {
    clock = new FakeClock()
    own = new OwnEngine(clock)
    threads = new Set()
    process.on('worker', onWorker)
  })
  afterEach(async () => {
    await own.stop()
    process.off('worker', onWorker)
  })

  it('starts once, and ends when nobody asked for it for long', async () => {
    const first = await own.of(model)
    await clock.advance(9 * MINUTE_MS)
    expect(await own.of(model)).toBe(first)
    await clock.advance(9 * MINUTE_MS)
    expect(running()).toBe(1)
    await clock.advance(2 * MINUTE_MS)
    await expect.poll(running).toBe(0)
  }, 60_000)

  it('is started again after its thread died', async () => {
    const first = await own.of(model)
    for (const thread of threads) await thread.terminate()
    await expect.poll(running).toBe(0)
    const second = await own.of(model)
    expect(second).not.toBe(first)
    expect(second.info.model).toBe(first.info.model)
  }, 60_000)

  it('leaves no thread behind when it is stopped while it starts', async () => {
    const starting = own.of(model)
    const refused = expect(starting).rejects.toMatchObject({ code: 'engine.closed' })
    await expect.poll(running).toBe(1)
    await own.stop()
    await refused
    await expect.poll(running).toBe(0)
    await expect(own.of(model)).rejects.toMatchObject({ code: 'engine.closed' })
  }, 60_000)
})
