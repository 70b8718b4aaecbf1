import { beforeEach, describe, expect, it } from 'vitest'
import { MIB, millis, SECOND_MS } from '../../base/units.ts'
import { sleep } from '../../base/wait.ts'
import { FakeClock } from '../../testing/fake-clock.ts'
import { digest, heldIn, makeModel, originOf, type TestModel } from '../../testing/pieces.ts'
import { realRandom } from '../../testing/real-clock.ts'
import type { ByteSource } from '../byte-source.ts'
import { MemoryStore } from '../store/memory-store.ts'
import { MAX_ORIGIN_FAILURES, MAX_ORIGIN_WRONG, ORIGIN_STALL_MS, PIECE_DEADLINE_MS } from './constants.ts'
import { fetchModel } from './fetch-model.ts'

/** Most of the last piece. */
const ALMOST_ALL = 3.49 * MIB

describe('a download from an origin alone', () => {
  let model: TestModel
  let store: MemoryStore
  let clock: FakeClock

  beforeEach(async () => {
    model = await makeModel({ 'onnx/model.onnx': 3.5 * MIB })
    store = new MemoryStore({ digest })
    clock = new FakeClock()
  })

  /** An origin whose first answer is spoilt from some byte on; the later ones are right, or spoilt as well. */
  const spoilt = (spoil: (rest: Uint8Array) => AsyncIterable<Uint8Array>, isAlways = false) => {
    const plain = originOf(model)
    const source: ByteSource = {
      async open(path, options) {
        const answer = await plain.open(path, options)
        if (plain.opened.length > 1 && !isAlways) return answer
        return { offset: answer.offset, body: cut(answer.body, ALMOST_ALL - answer.offset, spoil) }
      },
    }
    return { source, opened: plain.opened }
  }
  const run = async (source: ByteSource, ms: number) => {
    const origins = [{ name: 'hub', source }]
    const ended = fetchModel({ store, origins, clock, random: realRandom }, model.manifest)
    let isOver = false
    ended.catch(() => undefined).finally(() => (isOver = true))
    for (let at = 0; at < ms && !isOver; at += 500) await clock.advance(500)
    return ended
  }

  it('opens it anew where nothing comes any more, and reads on at the piece that was under way', async () => {
    const { source, opened } = spoilt(async function* () {
      await new Promise(() => undefined)
      yield new Uint8Array()
    })
    const done = await run(source, 2 * ORIGIN_STALL_MS)
    expect(await heldIn(model, store)).toBe(4)
    expect(opened.map(({ offset }) => offset)).toEqual([0, 3 * MIB])
    expect(done.faults).toMatchObject([{ from: 'origin', error: { code: 'wire.timeout' } }])
  })

  it('opens it anew where it drips', async () => {
    const { source, opened } = spoilt(async function* (rest) {
      for (let at = 0; at < rest.length; at++) {
        await sleep(clock, millis(ORIGIN_STALL_MS / 2))
        yield rest.subarray(at, at + 1)
      }
    })
    await run(source, PIECE_DEADLINE_MS + 2 * ORIGIN_STALL_MS)
    expect(await heldIn(model, store)).toBe(4)
    expect(opened.map(({ offset }) => offset)).toEqual([0, 3 * MIB])
  })

  it('gives up one that stalls each time, and keeps what came', async () => {
    const { source, opened } = spoilt(async function* () {
      await new Promise(() => undefined)
      yield new Uint8Array()
    }, true)
    const failed = run(source, (MAX_ORIGIN_FAILURES + 1) * (ORIGIN_STALL_MS + 5 * SECOND_MS))
    await expect(failed).rejects.toMatchObject({ code: 'models.nobody-left', facts: { keptMb: 3 } })
    expect(opened).toHaveLength(MAX_ORIGIN_FAILURES)
    expect(await heldIn(model, store)).toBe(3)
  })

  it('takes nothing of one that says where it begins and begins elsewhere', async () => {
    const plain = originOf(model)
    const source: ByteSource = {
      open: async (path, options) => {
        const { body } = await plain.open(path, { ...options, offset: options.offset + 1 })
        return { offset: options.offset, body }
      },
    }
    await expect(run(source, 60 * SECOND_MS)).rejects.toMatchObject({ code: 'models.nobody-left' })
    expect(plain.opened).toHaveLength(MAX_ORIGIN_WRONG)
    expect(await heldIn(model, store)).toBe(0)
  })
})

async function* cut(
  body: AsyncIterable<Uint8Array>,
  afterBytes: number,
  spoil: (rest: Uint8Array) => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  let count = 0
  for await (const chunk of body) {
    if (count + chunk.length > afterBytes) {
      yield chunk.subarray(0, afterBytes - count)
      yield* spoil(chunk.subarray(afterBytes - count))
      return
    }
    count += chunk.length
    yield chunk
  }
}
