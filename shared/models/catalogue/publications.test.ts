import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makeManifest, makeModelFile } from '../../testing/model-file.ts'
import { hashManifest } from '../manifest.ts'
import { filesOf } from './entry.ts'
import {
  MAX_PUBLICATIONS,
  MAX_PUBLICATIONS_BYTES,
  parsePublications,
  publishedEntry,
  publishedPlace,
  writePublications,
  type Publication,
} from './publications.ts'

const manifest = makeManifest(makeModelFile(5000, { seed: 1 }).file)
const model = hashManifest(manifest)
const publisher = `0x${'ab'.repeat(20)}` as const
const publication: Publication = { model, name: 'lab/tiny', publisher, royaltyBps: 250 }
const written = writePublications([{ publication, manifest }])
const changed = (change: object): string => {
  const file = JSON.parse(written) as { publications: object[] }
  return JSON.stringify({ ...file, publications: [{ ...file.publications[0], ...change }] })
}

describe('what the models contract holds', () => {
  it('is read as it was written: a claim with its publisher, and a manifest by its hash', () => {
    const entry = publishedEntry(publication, manifest)
    expect(parsePublications(written)).toEqual([
      { source: { kind: 'contract', publisher, royaltyBps: 250 }, entries: [entry] },
    ])
    const [precision] = entry.precisions
    expect(precision).toMatchObject({ hash: model, manifest: publishedPlace(model, manifest) })
    expect(precision && filesOf(entry, precision)).toBe(`/published/${model}/`)
    expect(entry).toMatchObject({ name: 'lab/tiny', tried: false })
    expect(entry.about).toBe(
      `Published on the chain by ${publisher}, who asks 2.5 % of what it earns. Nobody else vouches for it.`,
    )
  })

  it('fits the bounds of a list, whatever its name and its share', () => {
    const all = Array.from({ length: MAX_PUBLICATIONS }, () => ({
      publication: { ...publication, name: 'x'.repeat(64), royaltyBps: 1999 },
      manifest: { ...manifest, id: 'i'.repeat(63), name: 'n'.repeat(60) },
    }))
    const text = writePublications(all)
    expect(text.length).toBeLessThan(MAX_PUBLICATIONS_BYTES)
    expect(parsePublications(text)).toHaveLength(MAX_PUBLICATIONS)
  })

  it.each([
    ['without a hash', { entry: { ...publishedEntry(publication, manifest), precisions: [] } }],
    ['with a publisher that is no address', { publisher: 'the best lab' }],
    ['with a share above all', { royaltyBps: 10_001 }],
    ['with a field more', { verified: true }],
  ])('leaves out one %s, and no other', (_, change) => {
    expect(parsePublications(changed(change))).toEqual([])
    const both = JSON.parse(written) as { publications: object[] }
    const bad = (JSON.parse(changed(change)) as typeof both).publications
    const text = JSON.stringify({ ...both, publications: [...bad, ...both.publications] })
    expect(parsePublications(text)).toHaveLength(1)
  })

  it('throws nothing but its own error, whatever comes', () => {
    const many = JSON.stringify({
      format: 'infernet/publications/1',
      publications: Array<number>(MAX_PUBLICATIONS + 1).fill(0),
    })
    for (const text of [many, ' '.repeat(MAX_PUBLICATIONS_BYTES + 1), '<!doctype html>'])
      expect(() => parsePublications(text)).toThrow(expect.objectContaining({ code: 'models.bad-catalogue' }))
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(() => parsePublications(text)).toThrow(
          expect.objectContaining({ code: 'models.bad-catalogue' }),
        )
      }),
    )
  })
})
