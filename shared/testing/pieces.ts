import type { Connection, Stream } from '@libp2p/interface'
import { toHex } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import type { PeerName } from '../base/ids.ts'
import type { ByteSource } from '../models/byte-source.ts'
import { PIECE_BYTES, type Manifest } from '../models/manifest.ts'
import { fetcherMessageSchema, type FetcherMessage } from '../models/pieces/messages.ts'
import { PieceNumbers } from '../models/pieces/numbering.ts'
import type { Seeder, Swarm } from '../models/pieces/swarm.ts'
import { MemoryStore } from '../models/store/memory-store.ts'
import { PieceMap } from '../models/store/piece-map.ts'
import { FramedStream } from '../wire/framed-stream.ts'
import { connectedStreams, makePeer, type TestPeer } from './peers.ts'

export const digest = (bytes: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> =>
  crypto.subtle.digest('SHA-256', bytes)

/** A model that no engine could run, whose pieces are right. */
export interface TestModel {
  readonly manifest: Manifest
  readonly numbers: PieceNumbers
  readonly contents: ReadonlyMap<string, Uint8Array<ArrayBuffer>>
}

/** @param sizes bytes of each file, by its path; the first one holds the weights */
export async function makeModel(sizes: Readonly<Record<string, number>>): Promise<TestModel> {
  const contents = new Map<string, Uint8Array<ArrayBuffer>>()
  const files: Manifest['files'] = []
  for (const [path, size] of Object.entries(sizes)) {
    const bytes = noise(size, contents.size + 1)
    contents.set(path, bytes)
    const pieces: string[] = []
    for (let at = 0; at < size; at += PIECE_BYTES)
      pieces.push(toHex(new Uint8Array(await digest(bytes.slice(at, at + PIECE_BYTES)))))
    files.push({ path, size, sha256: toHex(new Uint8Array(await digest(bytes))), pieces })
  }
  const manifest: Manifest = {
    format: 'infernet/model/1',
    id: 'test-model',
    name: 'Test model',
    task: 'text-generation',
    dtype: 'fp32',
    weights: Object.keys(sizes)[0] ?? '',
    contextLength: 128,
    vocabSize: 128,
    files,
  }
  return { manifest, numbers: new PieceNumbers(manifest), contents }
}

/** A store with some pieces of a model, or all of them. */
export async function storeWith(model: TestModel, pieces?: readonly number[]): Promise<MemoryStore> {
  const store = new MemoryStore({ digest })
  for (const flat of pieces ?? Array.from({ length: model.numbers.count }, (_, i) => i)) {
    const placed = model.numbers.at(flat)
    if (placed) await store.put(placed.file, placed.piece, pieceOf(model, flat))
  }
  return store
}

export function pieceOf({ numbers, contents }: TestModel, flat: number): Uint8Array<ArrayBuffer> {
  const placed = numbers.at(flat)
  if (!placed) throw new RangeError(`no piece ${flat}`)
  const from = placed.piece * PIECE_BYTES
  return (contents.get(placed.file.path) ?? new Uint8Array()).slice(from, from + placed.length)
}

/** How many pieces a store holds. */
export async function heldIn(model: TestModel, store: MemoryStore): Promise<number> {
  return (await model.numbers.heldIn(store)).count
}

type Handler = (stream: Stream, connection: Connection) => Promise<void>

/** Seeders in memory, each behind a stream of its own. */
export class TestSwarm implements Swarm {
  readonly #me: TestPeer
  readonly #seeders: { readonly peer: TestPeer; readonly handle: Handler }[] = []
  /** Streams that were opened, by the seeder's name. */
  readonly opened: PeerName[] = []
  /** Changes the connection that seeders see. */
  connection: Partial<Connection> = {}

  /** @param me who fetches */
  constructor(me: TestPeer) {
    this.#me = me
  }

  static async create(): Promise<TestSwarm> {
    return new TestSwarm(await makePeer())
  }

  get me(): PeerName {
    return this.#me.name
  }

  async add(handle: Handler): Promise<PeerName> {
    const peer = await makePeer()
    this.#seeders.push({ peer, handle })
    return peer.name
  }

  remove(name: PeerName): void {
    const at = this.#seeders.findIndex(({ peer }) => peer.name === name)
    if (at >= 0) this.#seeders.splice(at, 1)
  }

  async find(): Promise<readonly Seeder[]> {
    return this.#seeders.map(({ peer, handle }) => ({
      name: peer.name,
      open: async () => {
        this.opened.push(peer.name)
        const { ours, theirs, connection } = await connectedStreams(this.#me)
        void handle(theirs, { ...connection, ...this.connection })
        return ours
      },
    }))
  }
}

export interface ScriptedSeeder {
  send(message: unknown): Promise<void>
}

export interface SeederScript {
  readonly clock: Clock
  /** @default all pieces */
  readonly map?: PieceMap
  /** @default true */
  readonly hasSlot?: boolean
  onOpened?(seeder: ScriptedSeeder): Promise<void>
  onClosed?(): void
  onMessage?(message: FetcherMessage, seeder: ScriptedSeeder): unknown
}

/** A seeder that does what a test says, right or wrong. It opens, gives a slot, and hands each message on. */
export function scriptedSeeder({ numbers }: TestModel, script: SeederScript): Handler {
  return async (stream) => {
    const frames = new FramedStream(stream, fetcherMessageSchema, script.clock)
    const all = new PieceMap(numbers.count)
    for (let piece = 0; piece < numbers.count; piece++) all.add(piece)
    try {
      await frames.receive()
      await frames.send({ type: 'opened', map: (script.map ?? all).toBytes() })
      if (script.hasSlot ?? true) await frames.send({ type: 'unchoke' })
      frames.onClose(() => script.onClosed?.())
      void script.onOpened?.(frames)?.catch(() => undefined)
      for (;;) {
        const said = await frames.receive({ deadlineMs: 600_000 })
        await script.onMessage?.(said, frames)
      }
    } catch {
      frames.abort(new Error('over'))
    }
  }
}

/** Sends a piece as it is wanted; `change` may spoil it. */
export async function sendPiece(
  model: TestModel,
  piece: number,
  seeder: ScriptedSeeder,
  change: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer> = (bytes) => bytes,
): Promise<void> {
  const bytes = change(pieceOf(model, piece))
  for (let offset = 0; offset < bytes.length; offset += 61_440)
    await seeder.send({ type: 'data', piece, offset, bytes: bytes.subarray(offset, offset + 61_440) })
}

/** An origin that has the model; `change` may spoil what it serves. */
export function originOf(
  { contents }: TestModel,
  change: (bytes: Uint8Array<ArrayBuffer>, path: string) => Uint8Array<ArrayBuffer> = (bytes) => bytes,
): ByteSource & { readonly opened: { path: string; offset: number }[] } {
  const opened: { path: string; offset: number }[] = []
  return {
    opened,
    open: async (path, { offset, signal }) => {
      opened.push({ path, offset })
      const bytes = change(contents.get(path) ?? new Uint8Array(), path)
      return { offset, body: chunksOf(bytes.subarray(offset), signal) }
    },
  }
}

async function* chunksOf(
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  for (let at = 0; at < bytes.length; at += 100_000) {
    await new Promise((resolve) => setTimeout(resolve, 0))
    signal?.throwIfAborted()
    yield bytes.subarray(at, at + 100_000)
  }
}

/** Bytes that look random and can be made again. */
function noise(length: number, seed: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(length / 4))
  let state = seed * 0x9e3779b9
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    words[i] = state
  }
  return new Uint8Array(words.buffer).slice(0, length)
}
