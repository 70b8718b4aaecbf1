import { expect, it } from 'vitest'
import { hashManifest } from '#shared/models/manifest.ts'
import { readTinyModel } from '#shared/testing/tiny-model.ts'
import { FOUNDING } from '../../contracts/script/parameters.ts'

it('a deployment publishes both precisions of the model that comes with this software', async () => {
  const hashes = await Promise.all(
    (['fp32', 'q4'] as const).map(async (dtype) => hashManifest((await readTinyModel(dtype)).manifest)),
  )
  expect(FOUNDING.map(({ manifest }) => manifest)).toEqual(hashes)
})
