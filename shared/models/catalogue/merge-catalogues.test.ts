import { expect, it } from 'vitest'
import { modelHash, peerName } from '../../base/ids.ts'
import { isClaimAlone, mergeCatalogues, type CatalogueSource } from './merge-catalogues.ts'
import { entryOf } from './testing/entries.ts'

const A = modelHash('a1'.repeat(32))
const B = modelHash('b2'.repeat(32))
const bundled: CatalogueSource = { kind: 'bundled' }
const relay: CatalogueSource = {
  kind: 'relay',
  relay: peerName('12D3KooWqQ1fG8tVxkz5RzH3mYb7LwN2cPdEsUaJ9oRelay1'),
}
const contract: CatalogueSource = { kind: 'contract', publisher: '0x1', royaltyBps: 500 }
const hashed = (name: string, hash: string, change = {}) =>
  entryOf({
    name,
    origins: [],
    precisions: [
      { dtype: 'fp32', bytes: 1, memoryBytes: 1, hash, manifest: `/models/${hash.slice(0, 4)}/m.json` },
    ],
    ...change,
  })
const HUB = { kind: 'hub', repository: 'a/Model' }
const open = (name: string, change = {}) =>
  entryOf({ name, origins: [HUB], precisions: [{ dtype: 'fp32', bytes: 1, memoryBytes: 1 }], ...change })

it('shows a model once, with all who name it, in the words of the first', () => {
  const [first, ...rest] = mergeCatalogues([
    { source: relay, entries: [hashed('Tiny', A, { about: 'By the relay.' })] },
    { source: bundled, entries: [hashed('tiny', A)] },
  ])
  expect(rest).toEqual([])
  expect(first).toMatchObject({
    entry: { about: 'By the relay.' },
    sources: [relay, bundled],
    otherNames: [],
  })
})

it('never renames: a hash under another name is a clash that is told', () => {
  const merged = mergeCatalogues([
    { source: bundled, entries: [hashed('Tiny', A)] },
    { source: relay, entries: [hashed('GPT-9', A)] },
    { source: contract, entries: [hashed('tiny-model', A)] },
  ])
  expect(merged).toHaveLength(1)
  expect(merged[0]).toMatchObject({
    entry: { name: 'Tiny' },
    otherNames: [
      { name: 'GPT-9', source: relay },
      { name: 'tiny-model', source: contract },
    ],
  })
})

it('keeps two publishers of one name apart, also where the letters only look alike', () => {
  const merged = mergeCatalogues([
    { source: bundled, entries: [hashed('Tiny 1B', A), hashed('Other', modelHash('c3'.repeat(32)))] },
    { source: relay, entries: [hashed('ｔｉｎｙ-1b', B)] },
  ])
  expect(
    merged.map(({ entry, sources, sharesName }) => [entry.precisions[0]?.hash, sources, sharesName]),
  ).toEqual([
    [A, [bundled], true],
    [modelHash('c3'.repeat(32)), [bundled], false],
    [B, [relay], true],
  ])
})

it('lets nothing change what is pinned, and shows what would have', () => {
  const pinned = hashed('Mine', A, { origins: [HUB], about: 'Pinned.' })
  const [mine, other] = mergeCatalogues(
    [
      { source: relay, entries: [hashed('Yours', A, { about: 'Changed.', origins: [HUB] })] },
      { source: bundled, entries: [open('Mine', { origins: [HUB] }), hashed('Mine', B, { origins: [HUB] })] },
    ],
    [pinned],
  )
  expect(mine).toMatchObject({
    entry: pinned,
    isPinned: true,
    otherNames: [{ name: 'Yours', source: relay }],
  })
  expect(mine?.entry).toEqual(pinned)
  // The same repository under another hash is another model, and told apart.
  expect(other).toMatchObject({ isPinned: false, sharesName: true, sources: [bundled] })
})

it('joins what is known by its repository alone with who has its manifest', () => {
  const precision = { dtype: 'q4', bytes: 5, memoryBytes: 9, hash: B, manifest: '/models/m/manifest.q4.json' }
  const [merged, ...rest] = mergeCatalogues([
    {
      source: bundled,
      entries: [
        open('Model', {
          precisions: [{ dtype: 'q4', bytes: 4, memoryBytes: 8, isRough: true }],
          dtype: 'q4',
        }),
      ],
    },
    {
      source: relay,
      entries: [
        open('Model', {
          precisions: [precision],
          dtype: 'q4',
          origins: [{ kind: 'hub', repository: 'A/model' }],
        }),
      ],
    },
  ])
  expect(rest).toEqual([])
  expect(merged?.entry.precisions).toEqual([precision])
  expect(merged?.entry.origins).toEqual([HUB])
})

it('takes two models of one folder for two', () => {
  const origins = [{ kind: 'folder', url: '/models/' }]
  const merged = mergeCatalogues([
    { source: relay, entries: [hashed('A', A, { origins }), hashed('B', B, { origins })] },
  ])
  expect(merged).toHaveLength(2)
})

it('keeps both revisions of a repository whose precisions are of two', () => {
  const at = (dtype: string, hash: string, revision: string) => ({
    origins: [{ ...HUB, revision }],
    precisions: [{ dtype, bytes: 1, memoryBytes: 1, hash }],
    dtype,
  })
  const [one, ...rest] = mergeCatalogues([
    { source: { kind: 'own' }, entries: [entryOf({ name: 'Model', ...at('fp32', A, 'old') })] },
    { source: relay, entries: [entryOf({ name: 'Model', ...at('q4', B, 'new') })] },
  ])
  expect(rest).toEqual([])
  expect(one?.entry.origins.map((origin) => origin.kind === 'hub' && origin.revision)).toEqual(['old', 'new'])
})

it('takes from the models contract a claim and a name in doubt, and nothing else', () => {
  const other: CatalogueSource = { kind: 'contract', publisher: '0x2', royaltyBps: 0 }
  const origins = [{ kind: 'folder', url: '/published/x/' }]
  const more = { dtype: 'q4', bytes: 1, memoryBytes: 1, hash: B, manifest: '/published/x/manifest.q4.json' }
  const [known] = hashed('Tiny', A).precisions
  const claimed = hashed('Better', A, { about: 'Mine.', origins, precisions: [known, more] })
  const [pinned, proposed, ...claims] = mergeCatalogues(
    [
      { source: relay, entries: [hashed('Tiny', A)] },
      { source: contract, entries: [claimed] },
      { source: contract, entries: [hashed('Mine', 'c3'.repeat(32))] },
      { source: other, entries: [hashed('mine', 'd4'.repeat(32))] },
    ],
    [hashed('Mine', 'e5'.repeat(32))],
  )
  expect(pinned).toMatchObject({ isPinned: true, sources: [{ kind: 'own' }], sharesName: true })
  expect(proposed).toMatchObject({
    entry: hashed('Tiny', A),
    sources: [relay, contract],
    otherNames: [{ name: 'Better', source: contract }],
  })
  expect(claims.map(({ sources, sharesName }) => [sources, sharesName])).toEqual([
    [[contract], true],
    [[other], true],
  ])
})

it('takes nothing from those who lend a model but the model itself, where nobody else names it', () => {
  const lender: CatalogueSource = { kind: 'lender' }
  const renamed = hashed('Better', A, { origins: [{ kind: 'folder', url: '/x/' }] })
  const merged = mergeCatalogues(
    [
      { source: relay, entries: [hashed('Tiny', A)] },
      { source: lender, entries: [renamed, hashed('Mine', B), hashed('New', 'c3'.repeat(32))] },
    ],
    [hashed('mine', 'd4'.repeat(32))],
  )
  const [pinned, proposed, clash, added] = merged
  expect(merged).toHaveLength(4)
  expect(pinned).toMatchObject({ entry: { name: 'mine' }, isPinned: true, sharesName: true })
  expect(proposed).toEqual({
    ...{ entry: hashed('Tiny', A), sources: [relay], isPinned: false, otherNames: [], sharesName: false },
  })
  expect(clash).toMatchObject({ sources: [lender], isPinned: false, sharesName: true })
  expect(added).toMatchObject({ sources: [lender], sharesName: false })
  expect(merged.map(isClaimAlone)).toEqual([false, false, true, true])
})
