import { expect, it } from 'vitest'
import fc from 'fast-check'
import { MAX_CATALOGUE_LENGTH, MAX_ENTRIES, parseCatalogue } from './catalogue.ts'
import { catalogueOf, entryOf } from './testing/entries.ts'

const refusedOf = (change: Record<string, unknown>) => parseCatalogue(catalogueOf([entryOf(change)])).refused

it('reads an entry as it was written', () => {
  const entry = entryOf({ origins: [{ kind: 'hub', repository: 'a/b', revision: 'main' }] })
  expect(parseCatalogue(catalogueOf([entry]))).toEqual({ entries: [entry], refused: [] })
})

it.each([
  ['no JSON', '{', 'it is no JSON'],
  ['a list', '[]', 'its "format" cannot be read'],
  ['another format', catalogueOf([]).replace('catalogue/1', 'catalogue/9'), 'its "format" cannot be read'],
  ['too many', catalogueOf(Array<unknown>(MAX_ENTRIES + 1).fill(0)), 'its "entries" cannot be read'],
  ['too long', catalogueOf([]).padEnd(MAX_CATALOGUE_LENGTH + 1), 'it is too long'],
])('refuses the whole: %s', (_, text, reason) => {
  expect(() => parseCatalogue(text)).toThrow(
    expect.objectContaining({ code: 'models.bad-catalogue', facts: { reason } }),
  )
})

it.each([
  ['name', { name: '' }],
  ['name', { name: 'x'.repeat(61) }],
  ['about', { about: 'two\nlines' }],
  ['about', { about: 'turned \u202e round' }],
  ['origins.0.url', { origins: [{ kind: 'folder', url: '/models/../../etc/' }] }],
  ['origins.0.url', { origins: [{ kind: 'folder', url: 'file:///etc/' }] }],
  ['origins.0.repository', { origins: [{ kind: 'hub', repository: 'https://x/y' }] }],
  ['precisions.0.bytes', { precisions: [{ dtype: 'q4', bytes: -1, memoryBytes: 1 }], dtype: 'q4' }],
  ['precisions', { precisions: Array(5).fill({ dtype: 'q4', bytes: 1, memoryBytes: 1 }), dtype: 'q4' }],
  ['licence.link', { licence: { id: 'x', link: 'javascript:alert(1)', mayPassOn: true, isGated: false } }],
  ['the whole', { dtype: 'fp16' }],
  ['price', { price: 3 }],
])('leaves out an entry and names the field: %s', (field, change) => {
  expect(refusedOf(change)).toEqual([{ at: 0, field }])
})

it('keeps the others, and takes an id once', () => {
  const good = entryOf({})
  const { entries, refused } = parseCatalogue(catalogueOf([{ id: 3 }, good, { ...good, name: 'Again' }]))
  expect(entries).toEqual([good])
  expect(refused.map(({ at }) => at)).toEqual([0, 2])
  expect(refused[1]?.field).toBe('id')
})

it('leaves alone what a later version says in its optional fields', () => {
  const later = { ...entryOf({}), optional: { mood: 'good' } }
  const { entries, refused } = parseCatalogue(catalogueOf([later]))
  expect(refused).toEqual([])
  expect(entries[0]).toMatchObject(entryOf({}))
})

it('throws nothing but its own error, whatever comes, and shows nothing of it', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.anything().map((any) => catalogueOf([any])),
      ),
      (text) => {
        try {
          const { refused } = parseCatalogue(text)
          for (const { field } of refused) expect(field).toMatch(/^[a-zA-Z0-9. ]+$/)
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: 'models.bad-catalogue' })
        }
      },
    ),
  )
})
