import { expect, it } from 'vitest'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { ByteSource } from '#shared/models/byte-source.ts'
import { readSmallFile } from '#shared/models/read-small-file.ts'
import { MemoryStore } from '#shared/models/store/memory-store.ts'
import { digest, makeModel, originOf, pieceOf } from '#shared/testing/pieces.ts'
import { peerSource, type PeerSourceComponents } from './peer-source.ts'

const model = await makeModel({ 'onnx/model.onnx': 100, 'tokenizer.json': 3000 })
const tokenizer = model.contents.get('tokenizer.json')

function opened(origin: ByteSource | undefined, { hasPeers = true, mayAsk = true } = {}) {
  const asked: unknown[] = []
  const swarm = {
    mayAsk,
    fetch: async (...[, { paths, store, origins }]: Parameters<PeerSourceComponents['swarm']['fetch']>) => {
      asked.push([paths, origins])
      if (!hasPeers) throw new InfernetError('models.nobody-left')
      const file = model.manifest.files[1]
      if (file) await store.put(file, 0, pieceOf(model, 1))
      return {} as never
    },
  }
  const openStore = async () => new MemoryStore({ digest })
  return { asked, source: peerSource({ origin, swarm, digest, openStore }, model.manifest) }
}
const gone: ByteSource = {
  open: (path) => Promise.reject(new InfernetError('models.unavailable', { path, status: 404 })),
}

it('asks no peer for what its origin serves', async () => {
  const { asked, source } = opened(originOf(model))
  expect(await readSmallFile(source, 'tokenizer.json', 3000)).toEqual(tokenizer)
  expect(asked).toEqual([])
})

it('gets that one file from peers where the origin is away, cuts it short, or serves other bytes', async () => {
  const short = originOf(model, (bytes) => bytes.slice(0, 10))
  const other = originOf(model, (bytes) => bytes.map((byte) => byte ^ 1))
  for (const origin of [gone, short, other]) {
    const { asked, source } = opened(origin)
    expect(await readSmallFile(source, 'tokenizer.json', 3000)).toEqual(tokenizer)
    expect(asked).toEqual([[['tokenizer.json'], []]])
  }
})

it('says what the origin failed with where no peer has it either', async () => {
  const { source } = opened(gone, { hasPeers: false })
  await expect(readSmallFile(source, 'tokenizer.json', 3000)).rejects.toMatchObject({
    code: 'models.unavailable',
    facts: { status: 404 },
  })
})

it('gets what is at peers alone from them, and says why where it cannot', async () => {
  const { asked, source } = opened(undefined)
  expect(await readSmallFile(source, 'tokenizer.json', 3000)).toEqual(tokenizer)
  expect(asked).toEqual([[['tokenizer.json'], []]])
  for (const [mayAsk, code] of [
    [true, 'models.withheld'],
    [false, 'models.peers-not-asked'],
  ] as const) {
    const refused = opened(undefined, { hasPeers: false, mayAsk })
    await expect(readSmallFile(refused.source, 'tokenizer.json', 3000)).rejects.toMatchObject({
      code,
      facts: { path: 'tokenizer.json' },
    })
    await expect(readSmallFile(refused.source, 'other.json', 3000)).rejects.toMatchObject({
      code: 'models.unavailable',
    })
  }
})
