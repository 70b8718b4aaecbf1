import { describe, expect, it } from 'vitest'
import { MIB } from '#shared/base/units.ts'
import { fetchFromOrigin } from '#shared/models/store/fetch-from-origin.ts'
import { MemoryStore } from '#shared/models/store/memory-store.ts'
import { hashHex, makeManifest, makeModelFile, nodeDigest as digest } from '#shared/testing/model-file.ts'
import { createCrossOriginSource } from './cross-origin-source.ts'

const { file, bytes } = makeModelFile(2 * MIB + 3)
const manifest = makeManifest(file)

/** A browser in which another site has stored this. */
const browserWith = (content: Uint8Array<ArrayBuffer> | undefined, form: 'one' | 'list') => {
  const find = async (hash: { algorithm: string; value: string }) => {
    if (hash.algorithm !== 'SHA-256' || hash.value !== file.sha256 || !content)
      throw new DOMException('', 'NotFoundError')
    return { getFile: async () => new Blob([content]) }
  }
  const list = async (hashes: Parameters<typeof find>[0][]) => Promise.all(hashes.map(find))
  return {
    crossOriginStorage: form === 'one' ? { requestFileHandle: find } : { requestFileHandles: list },
  }
}

describe('files that other sites have stored', () => {
  it.each(['one', 'list'] as const)('are taken by their hash, checked like any (%s)', async (form) => {
    const source = createCrossOriginSource(manifest, browserWith(bytes, form))
    const store = new MemoryStore({ digest })
    await fetchFromOrigin({ store, sources: source ? [source] : [] }, manifest)
    expect(hashHex(store.whole(file) ?? new Uint8Array(0))).toBe(file.sha256)
  })

  it('are not believed, and are not missed', async () => {
    const store = new MemoryStore({ digest })
    for (const content of [bytes.with(5, (bytes[5] ?? 0) ^ 1), bytes.slice(1), undefined]) {
      const source = createCrossOriginSource(manifest, browserWith(content, 'one'))
      await expect(
        fetchFromOrigin({ store, sources: source ? [source] : [] }, manifest),
      ).rejects.toMatchObject({
        code: content?.length === bytes.length ? 'models.corrupt' : 'models.unavailable',
      })
    }
    expect((await store.held(file)).has(0)).toBe(false)
    expect(createCrossOriginSource(manifest, {})).toBeUndefined()
  })
})
