import { beforeEach, describe, expect, it } from 'vitest'
import { KIB, MIB, millis, SECOND_MS } from '../../base/units.ts'
import { sleep } from '../../base/wait.ts'
import { FakeClock } from '../../testing/fake-clock.ts'
import { countingRandom } from '../../testing/peers.ts'
import {
  makeModel,
  originOf,
  scriptedSeeder,
  sendPiece,
  TestSwarm,
  type TestModel,
} from '../../testing/pieces.ts'
import type { ByteSource } from '../byte-source.ts'
import { PieceMap } from '../store/piece-map.ts'
import { fetchModel } from './fetch-model.ts'
import type { FetchProgress } from './fetch-progress.ts'

const PIECES = 24
/** What a seeder sends, in bytes a second. */
const SPEED = 2 * MIB
/** From a request to the first byte. */
const ASKED_MS = 200

describe('an origin beside peers', () => {
  let model: TestModel
  let clock: FakeClock
  let swarm: TestSwarm

  beforeEach(async () => {
    model = await makeModel({ 'onnx/model.onnx': PIECES * MIB })
    clock = new FakeClock()
    swarm = await TestSwarm.create()
  })

  const line = async (bytes: number, bytesPerSecond: number, signal?: AbortSignal): Promise<void> =>
    sleep(clock, millis((bytes * SECOND_MS) / bytesPerSecond), { signal })

  /** At the far end of a line. */
  const originAt = (bytesPerSecond: number) => {
    const plain = originOf(model)
    const source: ByteSource = {
      open: async (path, options) => {
        const { offset, signal } = options
        await plain.open(path, options)
        await sleep(clock, millis(ASKED_MS), { signal })
        const bytes = model.contents.get(path) ?? new Uint8Array()
        const body = async function* () {
          for (let at = offset; at < bytes.length; at += 256 * KIB) {
            await line(256 * KIB, bytesPerSecond, signal)
            yield bytes.subarray(at, at + 256 * KIB)
          }
        }
        return { offset, body: body() }
      },
    }
    return { source, pieces: () => plain.opened.map(({ offset }) => offset / MIB) }
  }

  /** At the far end of a line, one piece after another; `lacks` pieces, and gives nothing more once it is `gone`. */
  const addSeeder = async ({ lacks = [] as number[], bytesPerSecond = SPEED } = {}) => {
    const map = new PieceMap(PIECES)
    for (let piece = 0; piece < PIECES; piece++) if (!lacks.includes(piece)) map.add(piece)
    const seeder = { isGone: false }
    const wanted = new Set<number>()
    let sending = Promise.resolve()
    const send = async (piece: number, to: Parameters<typeof sendPiece>[2]): Promise<void> => {
      if (!wanted.has(piece)) return
      await line(MIB, bytesPerSecond)
      if (wanted.delete(piece) && !seeder.isGone) await sendPiece(model, piece, to)
    }
    await swarm.add(
      scriptedSeeder(model, {
        clock,
        map,
        onMessage: (said, to) => {
          if (said.type === 'cancel') wanted.delete(said.piece)
          if (said.type !== 'want') return
          wanted.add(said.piece)
          sending = sending.then(() => send(said.piece, to)).catch(() => undefined)
        },
      }),
    )
    return seeder
  }

  const run = async (
    source?: ByteSource,
    onProgress: (progress: FetchProgress) => void = () => undefined,
    signal?: AbortSignal,
  ) => {
    const nothing = new PieceMap(PIECES)
    // Without a hash: what is measured is this clock's time, and no processor's.
    const store = { held: async () => nothing, put: async () => 'kept' as const }
    const origins = source && [{ name: 'hub', source }]
    const components = { store, swarm, clock, random: countingRandom(), origins }
    let isOver = false
    const fetching = fetchModel(components, model.manifest, { onProgress, signal }).finally(
      () => (isOver = true),
    )
    fetching.catch(() => undefined)
    while (!isOver && clock.monotonic() < 120 * SECOND_MS) await clock.advance(100)
    return { seconds: clock.monotonic() / SECOND_MS, ...(await fetching) }
  }
  const ALONE = (PIECES * MIB) / SPEED

  it('and one seeder as fast as it bring a model in little more than half the time of either', async () => {
    await addSeeder()
    const { source, pieces } = originAt(SPEED)
    const { seconds, peers, origins } = await run(source)
    expect(seconds).toBeLessThan(0.6 * ALONE)
    expect(Math.min(peers.bytes, origins.bytes)).toBeGreaterThan(PIECES * MIB * 0.4)
    expect(pieces().length, 'it is read in long runs').toBeLessThanOrEqual(4)
  })

  it('rests where they bring four times as much, and gives only what none of them has', async () => {
    await addSeeder({ lacks: [PIECES - 1] })
    const { source, pieces } = originAt(SPEED / 6)
    const states = new Set<string>()
    const { origins, faults } = await run(source, ({ originState, peers }) => {
      if (peers.bytesPerSecond > 0) states.add(originState)
    })
    // The first piece while it is measured, the one that is under way then, and the last one.
    expect([pieces(), origins.bytes, faults]).toEqual([[0, PIECES - 1], 3 * MIB, []])
    expect([...states]).toEqual(['reading', 'resting'])
  })

  it('is read again when they bring less', async () => {
    const seeder = await addSeeder()
    const { source, pieces } = originAt(SPEED / 6)
    const enough = new AbortController()
    let rested = 0
    const fetching = run(
      source,
      ({ originState, heldBytes }) => {
        if (originState === 'resting') rested = pieces().length
        if (rested > 0 && heldBytes > (PIECES / 2) * MIB) seeder.isGone = true
        if (seeder.isGone && originState === 'reading') enough.abort(new Error('enough'))
      },
      enough.signal,
    )
    await expect(fetching).rejects.toThrow('enough')
    expect([rested, pieces().length]).toEqual([1, 2])
    expect(clock.monotonic(), 'before the seeder is given up').toBeLessThan(16 * SECOND_MS)
  })
})
