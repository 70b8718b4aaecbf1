import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { fromHex } from '../../base/bytes.ts'
import { MIB } from '../../base/units.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import { connectedStreams, makePeer } from '../../testing/peers.ts'
import {
  digest,
  heldIn,
  makeModel,
  pieceOf,
  scriptedSeeder,
  sendPiece,
  storeWith,
  TestSwarm,
  type TestModel,
} from '../../testing/pieces.ts'
import { realClock, realRandom } from '../../testing/real-clock.ts'
import { FramedStream } from '../../wire/framed-stream.ts'
import { hashManifest } from '../manifest.ts'
import { MemoryStore } from '../store/memory-store.ts'
import type { PieceStore } from '../store/piece-store.ts'
import { MAX_PIECES_PER_PEER } from './constants.ts'
import { ExchangeLedger } from './exchange-ledger.ts'
import { fetchModel } from './fetch-model.ts'
import { seederMessageSchema, type SeederMessage } from './messages.ts'
import { PiecesService } from './pieces-service.ts'
import type { SeedStore } from './shared-model.ts'

describe('pieces on their way', () => {
  let model: TestModel
  let stops: (() => void)[]

  beforeEach(async () => {
    model = await makeModel({ 'onnx/model.onnx': 16 * MIB })
    stops = []
  })
  afterEach(() => stops.forEach((stop) => stop()))

  it('are asked for while a disk that stands still keeps none, up to a bound', async () => {
    const swarm = await TestSwarm.create()
    const asked: number[] = []
    await swarm.add(
      scriptedSeeder(model, {
        clock: realClock,
        onMessage: (said, seeder) => {
          if (said.type !== 'want') return undefined
          asked.push(said.piece)
          return sendPiece(model, said.piece, seeder)
        },
      }),
    )
    const kept = new MemoryStore({ digest })
    const disk = Promise.withResolvers<void>()
    let coming = 0
    const store: Pick<PieceStore, 'held' | 'put'> = {
      held: (file) => kept.held(file),
      put: async (...piece) => {
        coming++
        await disk.promise
        return kept.put(...piece)
      },
    }
    const fetching = fetchModel({ store, swarm, clock: realClock, random: realRandom }, model.manifest)
    await vi.waitFor(() => expect(coming).toBe(MAX_PIECES_PER_PEER), { timeout: 10_000 })
    expect(asked).toHaveLength(MAX_PIECES_PER_PEER)
    disk.resolve()
    expect(await fetching).toMatchObject({ missingBytes: 0, wastedBytes: 0 })
    expect(await heldIn(model, kept)).toBe(16)
  })

  /** A seeder over this store, and whoever asks it by hand. */
  const open = async (store: SeedStore) => {
    const ledger = new ExchangeLedger(realClock)
    const service = new PiecesService({ clock: realClock, random: realRandom, ledger })
    stops.push(() => service.stop())
    await service.share(model.manifest, store)
    const { ours, theirs, connection } = await connectedStreams(await makePeer())
    void service.handle(theirs, connection)
    const frames = new FramedStream(ours, seederMessageSchema, realClock, { maxUnreadBytes: 32 * MIB })
    await frames.send({ type: 'open', model: fromHex(hashManifest(model.manifest)) })
    expect([await frames.receive(), await frames.receive()]).toMatchObject([
      { type: 'opened' },
      { type: 'unchoke' },
    ])
    const want = (piece: number): Promise<void> =>
      frames.send({ type: 'want', piece, offset: 0, length: MIB })
    const receivePiece = async (): Promise<Buffer> => {
      const parts: Uint8Array[] = []
      for (let bytes = 0; bytes < MIB; bytes += parts.at(-1)?.length ?? 0) {
        const said: SeederMessage = await frames.receive()
        if (said.type !== 'data') throw new Error(`got ${said.type}`)
        parts.push(said.bytes)
      }
      return Buffer.concat(parts)
    }
    return { frames, want, receivePiece }
  }

  it('are read from the disk while the one before is sent, one at a time', async () => {
    const whole = await storeWith(model)
    const read: number[] = []
    const second = Promise.withResolvers<void>()
    const { want, receivePiece } = await open({
      held: (file) => whole.held(file),
      read: async (file, piece) => {
        read.push(piece)
        if (piece === 1) await second.promise
        return whole.read(file, piece)
      },
    })
    for (const piece of [0, 1, 2]) await want(piece)
    // Piece 0 comes wholly though the disk does not give piece 1; piece 2 waits for its turn.
    expect(await receivePiece()).toEqual(Buffer.from(pieceOf(model, 0)))
    await vi.waitFor(() => expect(read).toEqual([0, 1]))
    second.resolve()
    expect(await receivePiece()).toEqual(Buffer.from(pieceOf(model, 1)))
    expect(await receivePiece()).toEqual(Buffer.from(pieceOf(model, 2)))
    expect(read).toEqual([0, 1, 2])
  })

  it('end the stream when the disk fails for one that is read ahead, and not before its turn', async () => {
    const whole = await storeWith(model)
    const { frames, want, receivePiece } = await open({
      held: (file) => whole.held(file),
      read: (file, piece) =>
        piece === 1 ? Promise.reject(new InfernetError('models.store-busy')) : whole.read(file, piece),
    })
    for (const piece of [0, 1]) await want(piece)
    expect(await receivePiece()).toEqual(Buffer.from(pieceOf(model, 0)))
    await expect(frames.receive()).rejects.toMatchObject({ code: 'wire.closed' })
  })
})
