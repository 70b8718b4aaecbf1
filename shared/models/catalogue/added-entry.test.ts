import * as v from 'valibot'
import { expect, it } from 'vitest'
import { makeManifest, makeModelFile } from '../../testing/model-file.ts'
import { hashManifest } from '../manifest.ts'
import { lentEntry } from './added-entry.ts'
import { entrySchema, usualPrecision } from './entry.ts'

const manifest = makeManifest(makeModelFile(5000, { seed: 1 }).file)

it('makes of a manifest alone an entry that lists could hold, in the words of the manifest and marked as such', () => {
  const licence = { id: 'own-licence', link: 'LICENSE', mayPassOn: false, isGated: true }
  const entry = lentEntry({ ...manifest, name: 'Somebody’s', licence })
  expect(v.parse(entrySchema, entry)).toEqual(entry)
  expect(entry).toMatchObject({
    name: 'Somebody’s',
    licence: { id: 'own-licence', mayPassOn: false, isGated: true },
    origins: [],
    tried: false,
  })
  expect(entry.about).toContain('No list names it.')
  expect(usualPrecision(entry)).toMatchObject({
    hash: hashManifest({ ...manifest, name: 'Somebody’s', licence }),
  })
  expect(usualPrecision(entry)?.manifest).toBeUndefined()
})

it('is called by its id where its maker gave it no name', () => {
  expect(lentEntry({ ...manifest, name: ' ' }).name).toBe(manifest.id)
  expect(lentEntry(manifest).licence.id).toBe('none')
})
