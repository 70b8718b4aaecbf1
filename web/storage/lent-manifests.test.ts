import { expect, it } from 'vitest'
import { epochMillis } from '#shared/base/units.ts'
import { hashManifest, type Manifest } from '#shared/models/manifest.ts'
import { makeManifest, makeModelFile } from '#shared/testing/model-file.ts'
import { encode } from '#shared/wire/codec.ts'
import { MAX_LENT_BYTES, MAX_LENT_MANIFESTS, openLentManifests } from './lent-manifests.ts'

// Node has no database of a browser, as a private window may have none: what is known then is of this visit.
const manifest = makeManifest(makeModelFile(5000, { seed: 1 }).file)
const named = (name: string): Manifest => ({ ...manifest, name })
const at = epochMillis

it('keeps a bounded number, and forgets first what was used least lately', async () => {
  const kept = openLentManifests()
  for (let i = 0; i < MAX_LENT_MANIFESTS; i++) await kept.put(named(`model ${i}`), at(i + 1))
  await kept.touch(hashManifest(named('model 0')), at(100))
  await kept.touch(hashManifest(named('never seen')), at(101))
  await kept.put(named('newest'), at(102))
  const names = (await kept.list()).map(({ name }) => name)
  expect(names).toHaveLength(MAX_LENT_MANIFESTS)
  expect(names.slice(0, 2)).toEqual(['newest', 'model 0'])
  expect(names).not.toContain('model 1')
})

it('keeps no more bytes than it may, however large manifests are', async () => {
  const [file] = manifest.files
  const pieces = Array.from({ length: 4096 }, (_, i) => i.toString(16).padStart(64, '0'))
  const large = (name: string): Manifest => ({
    ...named(name),
    files: [
      ...manifest.files,
      ...Array.from({ length: 7 }, (_, i) => ({
        ...file!,
        path: `f${i}`,
        sha256: `${i}`.padStart(64, '0'),
        size: 2 ** 32,
        pieces,
      })),
    ],
  })
  const kept = openLentManifests()
  for (let i = 0; i < 8; i++) await kept.put(large(`large ${i}`), at(i + 1))
  const list = await kept.list()
  const bytes = list.reduce((sum, each) => sum + encode(each).length, 0)
  expect([list[0]?.name, bytes <= MAX_LENT_BYTES, bytes > MAX_LENT_BYTES / 2]).toEqual([
    'large 7',
    true,
    true,
  ])
})

it('names one model once, whoever gave it how often', async () => {
  const kept = openLentManifests()
  await kept.put(manifest, at(1))
  await kept.put(manifest, at(2))
  expect(await kept.list()).toEqual([manifest])
})
