import { expect, it } from 'vitest'
import { addedEntry } from '../models/catalogue/added-entry.ts'
import { hashManifest, type Licence } from '../models/manifest.ts'
import { makeManifest, makeModelFile, nodeDigest } from '../testing/model-file.ts'
import { ModelLibrary } from './model-library.ts'

const FREE: Licence = { id: 'apache-2.0', mayPassOn: true, isGated: false }
const BOUND: Licence = { id: 'gemma', mayPassOn: false, isGated: false, link: 'https://example.org/terms' }

/** The licence that is shown of a model whose manifest and whose list say these. */
async function shown(own: Licence | undefined, said: Licence): Promise<unknown> {
  const made = makeManifest(makeModelFile(9, { seed: 1 }).file)
  const manifest = { ...made, ...(own && { licence: own }) }
  const entry = {
    ...addedEntry([{ manifest, origin: { kind: 'hub', repository: 'owner/name' } }]),
    licence: said,
  }
  const library = new ModelLibrary({ sources: () => [], digest: nodeDigest })
  const hash = hashManifest(manifest)
  const { choices } = await library.list({
    ...{ lists: [{ source: { kind: 'bundled' }, entries: [entry] }], pinned: [], leftOut: [] },
    manifests: new Map([[hash, manifest]]),
  })
  expect(library.get(hash).entry.licence).toEqual(choices[0]?.listed.entry.licence)
  return choices[0]?.listed.entry.licence
}

it('a list cannot call free what its manifest says has to be accepted', async () => {
  expect(await shown(BOUND, FREE)).toEqual(BOUND)
  expect(await shown({ ...FREE, isGated: true }, FREE)).toEqual({ ...FREE, isGated: true })
  expect(await shown({ id: 'llama3.2', mayPassOn: true, isGated: false, link: 'LICENSE' }, FREE)).toEqual({
    id: 'llama3.2',
    mayPassOn: true,
    isGated: false,
  })
})

it('else what the list says of it is shown', async () => {
  for (const own of [undefined, FREE]) expect(await shown(own, FREE)).toEqual(FREE)
  expect(await shown(FREE, BOUND)).toEqual(BOUND)
})
