import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { vectorFromHex } from '#shared/engine/encoder/golden-vectors.ts'
import { distance } from '#shared/engine/encoder/test-encoder.ts'
import { readReference } from '#shared/model-kit/use-lite/make-encoder.ts'
import { openSentenceEncoder } from '#shared/model-kit/use-lite/open-encoder.ts'
import { createNodeEngine } from '../../relay/provide/node-engine.ts'

it('an encoder in a thread of Node gives the vectors of the original', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'infernet-encoder-'))
  const { manifest, files } = await openSentenceEncoder()
  for (const path of files.paths) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), await files.read(path))
  }
  const engine = await createNodeEngine({ manifest, modelFolder: folder })
  expect(engine.info).toMatchObject({ task: 'feature-extraction', dimensions: 512, streams: 4 })
  const reference = await readReference()
  const vectors = await engine.embed({ texts: reference.map(({ tokens }) => tokens) })
  for (const [i, { vector }] of reference.entries())
    expect(distance(vectors.slice(i * 512, (i + 1) * 512), vectorFromHex(vector))).toBeLessThan(1e-5)
  await engine.close()
  await rm(folder, { recursive: true })
}, 60_000)
