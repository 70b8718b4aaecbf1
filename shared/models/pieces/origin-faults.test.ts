import { beforeEach, describe, expect, it } from 'vitest'
import { MIB, millis, SECOND_MS } from '../../base/units.ts'
import { sleep } from '../../base/wait.ts'
import { FakeClock } from '../../testing/fake-clock.ts'
import { digest, heldIn, makeModel, originOf, type TestModel } from '../../testing/pieces.ts'
import { realRandom } from '../../testing/real-clock.ts'
import type { ByteSource } from '../byte-source.ts'
import { MemoryStore } from '../store/memory-store.ts'
import { createHttpSource } from '../origin/http-source.ts'
import {
  MAX_ORIGIN_FAILURES,
  MAX_ORIGIN_WRONG,
  ORIGIN_RETRY_MS,
  ORIGIN_STALL_MS,
  PIECE_DEADLINE_MS,
} from './constants.ts'
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
    expect(plain.opened).toHaveLength(1)
    expect(await heldIn(model, store)).toBe(0)
  })

  it('asks one for no more files that served others twice', async () => {
    model = await makeModel({ 'onnx/model.onnx': 1000, 'tokenizer.json': 1000, 'config.json': 1000 })
    const wrong = originOf(model, (bytes) => bytes.map((byte) => byte ^ 1))
    await expect(run(wrong, 60 * SECOND_MS)).rejects.toMatchObject({ code: 'models.nobody-left' })
    expect(wrong.opened).toHaveLength(MAX_ORIGIN_WRONG)
  })
})

describe('an answer of an origin', () => {
  let model: TestModel
  let clock: FakeClock
  beforeEach(async () => {
    model = await makeModel({ 'onnx/model.onnx': 100_000 })
    clock = new FakeClock()
  })

  /** The shipped source over answers that are given in order, the last one again and again. */
  const answering = (...answers: (() => Response | Promise<Response>)[]) => {
    const at: number[] = []
    const fetch = async (): Promise<Response> => {
      const answer = answers[Math.min(at.push(clock.monotonic()), answers.length) - 1]
      return answer?.() ?? Response.error()
    }
    const source = createHttpSource({ fetch, clock }, { urlOf: (path) => new URL(path, 'https://hub.test/') })
    return { at, source }
  }
  const right = (): Response => {
    const bytes = model.contents.get('onnx/model.onnx') ?? new Uint8Array()
    return new Response(bytes, { headers: { 'content-length': String(bytes.length) } })
  }
  const status = (code: number, headers: Record<string, string> = {}) => {
    return () => new Response('no', { status: code, headers })
  }
  const page = (): Response => new Response('<html>', { headers: { 'content-type': 'text/html' } })
  const wrong = (): Response => new Response(new Uint8Array(100_000))

  /** Who is asked first, and who next; undefined where nobody is. Time passes only as long as it must. */
  const run = async (first: ByteSource, next: ByteSource | undefined) => {
    const origins = [first, ...(next ? [next] : [])].map((source, i) => ({ name: `${i}`, source }))
    const store = new MemoryStore({ digest })
    let isOver = false
    const fetching = fetchModel({ store, origins, clock, random: realRandom }, model.manifest)
    fetching.catch(() => undefined).finally(() => (isOver = true))
    for (let turn = 0; turn < 300 && !isOver; turn++) await clock.advance(turn < 40 ? 0 : 500)
    return fetching
  }

  it.each<[string, () => Response]>([
    ...[400, 401, 403, 404, 410, 416, 501].map((code): [string, () => Response] => [`${code}`, status(code)]),
    ['a page', page],
    ['wrong bytes', wrong],
  ])('that stays (%s) is asked for once, and the next origin gives at once', async (_, answer) => {
    const first = answering(answer)
    const next = answering(right)
    const done = await run(first.source, next.source)
    expect([done.missingBytes, first.at, next.at]).toEqual([0, [0], [0]])
    expect(done.faults).toMatchObject([{ from: 'origin', name: '0' }])
  })

  it('that stays ends a download at once where there is no other origin', async () => {
    const only = answering(status(404))
    await expect(run(only.source, undefined)).rejects.toMatchObject({ code: 'models.nobody-left' })
    expect([only.at, clock.monotonic()]).toEqual([[0], 0])
  })

  it.each<[string, () => Response | Promise<Response>]>([
    ['500', status(500)],
    ['503', status(503)],
    ['no answer', () => Promise.reject(new TypeError('fetch failed'))],
    ['an end in the middle', () => new Response(new Uint8Array(1000))],
  ])('that may pass (%s) is asked for some times before the next origin', async (_, answer) => {
    const first = answering(answer)
    const next = answering(right)
    const done = await run(first.source, next.source)
    expect([done.missingBytes, first.at.length]).toEqual([0, MAX_ORIGIN_FAILURES])
    expect(next.at[0]).toBeGreaterThanOrEqual(1500)
    expect(next.at[0]).toBeLessThan(ORIGIN_RETRY_MS)
  })

  it.each([429, 503])('that it is busy (%s) is believed: others are asked meanwhile', async (code) => {
    const first = answering(status(code, { 'retry-after': '60' }))
    const next = answering(right)
    const done = await run(first.source, next.source)
    expect([done.missingBytes, first.at, next.at]).toEqual([0, [0], [0]])
  })

  it('that it is busy is waited for where there is nobody else, as long as it says', async () => {
    const only = answering(status(429, { 'retry-after': '60' }), right)
    expect((await run(only.source, undefined)).missingBytes).toBe(0)
    expect(only.at).toHaveLength(2)
    expect(only.at[1]).toBeGreaterThanOrEqual(60_000)
    expect(only.at[1]).toBeLessThan(65_000)
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
