import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { concatBytes } from '../base/bytes.ts'
import { modelHash, type ModelHash } from '../base/ids.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { ByteSource } from '../models/byte-source.ts'
import { lentEntry } from '../models/catalogue/added-entry.ts'
import { BUNDLED_MODELS } from '../models/catalogue/bundled.ts'
import { usualPrecision, type CatalogueEntry, type OriginReference } from '../models/catalogue/entry.ts'
import { hashManifest, manifestBytes } from '../models/manifest.ts'
import { listPriceOf } from '../settle/compute-units.ts'
import { readTinyModel } from '../testing/tiny-model.ts'
import { ModelLibrary } from './model-library.ts'

const served = new URL('../../web/public/', import.meta.url)
const tiny = await readTinyModel('fp32')
const [entry] = BUNDLED_MODELS as [CatalogueEntry]
const FOLDER = '/models/infernet-tiny/'
const usual = usualPrecision(entry)!
const listOf = (entries: readonly CatalogueEntry[] = [entry], pinned: readonly CatalogueEntry[] = []) => ({
  lists: [{ source: { kind: 'bundled' } as const, entries }],
  pinned,
  leftOut: [],
})
/** Another place of the same kind; its manifest is what lies there. */
const at = (manifest: string, change: Partial<CatalogueEntry> = {}): CatalogueEntry => ({
  ...entry,
  ...change,
  origins: [],
  precisions: [{ ...usual, manifest }],
})

/** The files as a relay serves them, with what was asked for; `replace` stands for a file. */
function shelf(replace: Readonly<Record<string, Uint8Array>> = {}) {
  const opened: string[] = []
  const sourceOf = (folder: string): ByteSource => ({
    async open(path) {
      opened.push(path)
      const file =
        replace[path] ?? (await readFile(new URL(`.${folder}${path}`, served)).catch(() => undefined))
      if (!file) throw new InfernetError('models.unavailable', { path, status: 404 })
      const bytes = Uint8Array.from(file)
      return {
        offset: 0,
        body: (async function* () {
          yield bytes.subarray(0, 100)
          yield bytes.subarray(100)
        })(),
      }
    },
  })
  return {
    opened,
    components: {
      sources: (origins: readonly OriginReference[]) =>
        origins.map((origin) =>
          sourceOf(origin.kind === 'folder' ? origin.url : `/hub/${origin.repository}/`),
        ),
      digest: (bytes: Uint8Array<ArrayBuffer>) => crypto.subtle.digest('SHA-256', bytes),
    },
  }
}

describe('the model library', () => {
  it('names a model by the hash of what is served, with the defaults that it is asked by', async () => {
    const library = new ModelLibrary(shelf().components)
    const {
      choices: [choice],
    } = await library.list(listOf())
    expect(choice).toMatchObject({
      model: hashManifest(tiny.manifest),
      name: 'Infernet Tiny',
      contextLength: 512,
      answerTokens: 128,
      sampler: { temperature: 0.2, topP: 0.9 },
      bytes: manifestBytes(tiny.manifest),
      suggestedPrice: listPriceOf(tiny.manifest),
    })
    expect(library.get(choice!.model)).toEqual({
      entry: choice!.listed.entry,
      origins: [{ kind: 'folder', url: FOLDER }],
      manifest: tiny.manifest,
      choice,
    })
    expect(usualPrecision(choice!.listed.entry)?.hash).toBe(choice!.model)
  })

  it('tells the task of each model, so that nobody asks a question of one that does not write', async () => {
    const other = { ...tiny.manifest, task: 'feature-extraction', encoder: { dimensions: 8 } } as const
    const path = 'manifest.other.json'
    const { components } = shelf({ [path]: new TextEncoder().encode(JSON.stringify(other)) })
    const reader = { ...at(`${FOLDER}${path}`, { id: 'reader' }), task: 'feature-extraction' } as const
    const { choices } = await new ModelLibrary(components).list(listOf([reader, entry]))
    expect(choices.map(({ task }) => task)).toEqual(['feature-extraction', 'text-generation'])
  })

  it('leaves out what cannot be read, and fails when nothing can', async () => {
    const gone = at('/models/gone/manifest.fp32.json', { id: 'gone' })
    const { components } = shelf()
    const { choices, proposals, leftOut } = await new ModelLibrary(components).list(listOf([gone, entry]))
    expect(choices).toHaveLength(1)
    expect(proposals).toEqual([])
    expect(leftOut).toMatchObject([{ source: { kind: 'bundled' }, reason: { code: 'models.unavailable' } }])
    await expect(new ModelLibrary(components).list(listOf([gone]))).rejects.toThrow(
      expect.objectContaining({
        code: 'models.unavailable',
        facts: { path: 'manifest.fp32.json', status: 404 },
      }),
    )
  })

  it('takes no other manifest than the one whose hash the list names', async () => {
    const hash = modelHash('ab'.repeat(32))
    const lies = { ...entry, precisions: [{ ...usual, hash }] }
    const { components } = shelf()
    const reason = { code: 'models.corrupt' }
    await expect(new ModelLibrary(components).list(listOf([lies]))).rejects.toMatchObject(reason)
    const otherTask = { ...entry, task: 'feature-extraction' as const }
    await expect(new ModelLibrary(components).list(listOf([otherTask]))).rejects.toMatchObject(reason)
  })

  it('finds a manifest elsewhere by its name, where its place has none or another one', async () => {
    const hash = hashManifest(tiny.manifest)
    const named = { ...entry, precisions: [{ ...usual, hash }] }
    const asked: ModelHash[] = []
    const findManifest = async (model: ModelHash) => (asked.push(model), tiny.manifest)
    const other = new TextEncoder().encode(JSON.stringify({ ...tiny.manifest, name: 'Other' }))
    const broken = new TextEncoder().encode('{}')
    for (const bytes of [other, broken]) {
      const { components } = shelf({ 'manifest.fp32.json': bytes })
      const { choices } = await new ModelLibrary({ ...components, findManifest }).list(listOf([named]))
      expect(choices.map(({ model }) => model)).toEqual([hash])
    }
    expect(asked).toEqual([hash, hash])
    // What lies there as it should is asked of nobody; and where nobody has it, the place's own failure is told.
    await new ModelLibrary({ ...shelf().components, findManifest }).list(listOf([named]))
    expect(asked).toHaveLength(2)
    const { components } = shelf({ 'manifest.fp32.json': other })
    const nobody = () => Promise.reject(new InfernetError('models.nobody-left'))
    await expect(
      new ModelLibrary({ ...components, findManifest: nobody }).list(listOf([named])),
    ).rejects.toMatchObject({ code: 'models.corrupt' })
  })

  it('knows a model by its manifest alone where nobody but those who lend it name it, and asks no place for it', async () => {
    const lent = { ...tiny.manifest, name: 'Lent' }
    const hash = hashManifest(lent)
    const { opened, components } = shelf()
    const places: unknown[] = []
    const sources: typeof components.sources = (origins) => {
      places.push(origins)
      return components.sources(origins)
    }
    const library = new ModelLibrary({ ...components, sources })
    const { choices } = await library.list({
      lists: [
        { source: { kind: 'bundled' }, entries: [entry] },
        { source: { kind: 'lender' }, entries: [lentEntry(lent)] },
      ],
      pinned: [],
      leftOut: [],
      manifests: new Map([[hash, lent]]),
    })
    expect(choices.map(({ name }) => name)).toEqual(['Infernet Tiny', 'Lent'])
    expect(library.get(hash)).toMatchObject({ origins: [], manifest: { name: 'Lent' } })
    expect(opened).toEqual(['manifest.fp32.json'])
    await library.tokenizer(hash).catch(() => undefined)
    expect(places.at(-1), 'its files are at peers').toEqual([])
  })

  it('shows what has no manifest yet as a proposal, and asks for nothing of it', async () => {
    const hub = BUNDLED_MODELS.find(({ id }) => id === 'qwen3-0.6b')!
    const { opened, components } = shelf()
    const { choices, proposals } = await new ModelLibrary(components).list(listOf([entry, hub]))
    expect(choices.map(({ name }) => name)).toEqual(['Infernet Tiny'])
    expect(proposals.map(({ entry: { name } }) => name)).toEqual(['Qwen3 0.6B'])
    expect(opened).toEqual(['manifest.fp32.json'])
  })

  it('finds by its hash that two places hold one model, and tells what else it is called', async () => {
    const lists = listOf()
    const relay = { kind: 'contract', publisher: '0x1', royaltyBps: 500 } as const
    // Another query makes another place of the same bytes.
    const renamed = at('/models/infernet-tiny/./manifest.fp32.json', { name: 'GPT-9' })
    const { choices } = await new ModelLibrary(shelf().components).list({
      ...lists,
      lists: [...lists.lists, { source: relay, entries: [renamed] }],
    })
    expect(choices).toHaveLength(1)
    expect(choices[0]).toMatchObject({
      name: 'Infernet Tiny',
      listed: { otherNames: [{ name: 'GPT-9', source: relay }] },
    })
  })

  it('lets nobody take the place of what is pinned and cannot be read', async () => {
    const pinned = at('/models/gone/manifest.fp32.json', { id: 'mine' })
    const lists = listOf([entry, at('/models/gone/manifest.fp32.json', { name: 'Yours' })], [pinned])
    const { choices } = await new ModelLibrary(shelf().components).list(lists)
    expect(choices.map(({ name }) => name)).toEqual(['Infernet Tiny'])
  })

  it('reads so many manifests of a list and no more', async () => {
    const many = Array.from({ length: 60 }, (_, i) =>
      at(`/models/many-${i}/manifest.fp32.json`, { id: `m${i}` }),
    )
    const { opened, components } = shelf()
    await new ModelLibrary(components).list(listOf([entry, ...many]))
    expect(opened).toHaveLength(40)
  })

  it('refuses a manifest that goes on and on', async () => {
    const manifest = await readFile(new URL(`.${FOLDER}manifest.fp32.json`, served))
    const padded = concatBytes(manifest, new Uint8Array(10 * 2 ** 20).fill(0x20))
    const { components } = shelf({ 'manifest.fp32.json': padded })
    await expect(new ModelLibrary(components).list(listOf())).rejects.toThrow(
      expect.objectContaining({ code: 'models.corrupt' }),
    )
  })

  it('loads the tokenizer alone, checked, once, and for the context that the model keeps its wits in', async () => {
    const { opened, components } = shelf()
    const library = new ModelLibrary(components)
    const {
      choices: [choice],
    } = await library.list(listOf())
    const [tokenizer, again] = await Promise.all([
      library.tokenizer(choice!.model),
      library.tokenizer(choice!.model),
    ])
    expect(again).toBe(tokenizer)
    expect(opened.toSorted()).toEqual([
      'generation_config.json',
      'manifest.fp32.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ])
    expect(tokenizer.contextLength).toBe(512)
    const chat = [{ role: 'user', content: 'Hello' }] as const
    expect(tokenizer.encodeChat(chat)).toEqual(tiny.tokenizer.encodeChat(chat))
  })

  it('takes the end tokens of config.json where there is no generation_config.json', async () => {
    const files = tiny.manifest.files.filter(({ path }) => path !== 'generation_config.json')
    const manifest = new TextEncoder().encode(JSON.stringify({ ...tiny.manifest, files }))
    const { opened, components } = shelf({ 'manifest.fp32.json': manifest })
    const library = new ModelLibrary(components)
    const {
      choices: [choice],
    } = await library.list(listOf())
    const { eosTokens } = await library.tokenizer(choice!.model)
    expect(eosTokens.size).toBeGreaterThan(0)
    expect(opened).toContain('config.json')
    expect(opened).not.toContain('generation_config.json')
  })

  it('refuses a tokenizer too large to be read on the page, before any of it is fetched', async () => {
    const files = tiny.manifest.files.map((file) =>
      file.path === 'tokenizer.json'
        ? { ...file, size: 65 * 2 ** 20, pieces: Array.from({ length: 65 }, () => file.sha256) }
        : file,
    )
    const { opened, components } = shelf({
      'manifest.fp32.json': new TextEncoder().encode(JSON.stringify({ ...tiny.manifest, files })),
    })
    const library = new ModelLibrary(components)
    const {
      choices: [choice],
    } = await library.list(listOf())
    await expect(library.tokenizer(choice!.model)).rejects.toMatchObject({
      code: 'models.unsupported',
      facts: { reason: 'its tokenizer is too large' },
    })
    expect(opened).toEqual(['manifest.fp32.json'])
  })

  it('refuses a tokenizer that is not the one of the manifest, and a model that it has not listed', async () => {
    const library = new ModelLibrary(
      shelf({ 'generation_config.json': new TextEncoder().encode('{}') }).components,
    )
    const {
      choices: [choice],
    } = await library.list(listOf())
    await expect(library.tokenizer(choice!.model)).rejects.toMatchObject({
      code: /models\.(corrupt|truncated)/,
    })
    const other = modelHash('ab'.repeat(32))
    expect(library.find(other)).toBeUndefined()
    await expect(library.tokenizer(other)).rejects.toThrow(
      expect.objectContaining({ code: 'models.unknown' }),
    )
  })

  it('knows a model by a manifest that is here already, and reads its files at the hub', async () => {
    const hub = { kind: 'hub', repository: 'some-lab/Small', revision: 'a'.repeat(40) } as const
    const { manifest: _, ...placeless } = usual
    const hash = hashManifest(tiny.manifest)
    const own = { ...entry, id: 'own', name: 'Mine', origins: [hub], precisions: [{ ...placeless, hash }] }
    const asked: (readonly OriginReference[])[] = []
    const { components } = shelf()
    const library = new ModelLibrary({
      ...components,
      sources(origins) {
        asked.push(origins)
        return components.sources([
          { kind: 'folder', url: '/gone/' },
          { kind: 'folder', url: FOLDER },
        ])
      },
    })
    const lists = {
      ...listOf(),
      lists: [{ source: { kind: 'own' } as const, entries: [own] }],
      manifests: new Map([[hash, tiny.manifest]]),
    }
    const { choices, proposals } = await library.list(lists)
    expect(choices).toMatchObject([{ model: hash, name: 'Mine' }])
    expect(proposals).toEqual([])
    expect(library.get(hash).origins).toEqual([hub])
    expect(library.entryAt('Some-Lab/small')?.name).toBe('Mine')
    // The first place has nothing; the next one goes on.
    expect(
      (await library.tokenizer(hash)).encodeChat([{ role: 'user', content: 'a' }]).length,
    ).toBeGreaterThan(0)
    expect(asked).toEqual([[hub]])
  })

  it('offers every precision whose manifest is here, the usual one in front and the others named', async () => {
    const q4 = (await readTinyModel('q4')).manifest
    const [fine, small] = [hashManifest(tiny.manifest), hashManifest(q4)]
    const precisions = [
      { ...usual, dtype: 'fp32', hash: fine } as const,
      { ...usual, dtype: 'q4', hash: small } as const,
    ].map(({ manifest: _, ...precision }) => precision)
    const own = { ...entry, dtype: 'fp32' as const, precisions }
    const manifests = new Map([
      [fine, tiny.manifest],
      [small, q4],
    ] as const)
    const { choices } = await new ModelLibrary(shelf().components).list({ ...listOf([own]), manifests })
    expect(choices.map(({ model, name }) => [model, name])).toEqual([
      [fine, 'Infernet Tiny'],
      [small, 'Infernet Tiny q4'],
    ])
  })

  it('uses a manifest that is here where its place is gone', async () => {
    const hash = hashManifest(tiny.manifest)
    const gone = { ...at('/models/gone/manifest.json') }
    const named = { ...gone, precisions: gone.precisions.map((each) => ({ ...each, hash })) }
    const manifests = new Map([[hash, tiny.manifest]])
    const { choices } = await new ModelLibrary(shelf().components).list({ ...listOf([named]), manifests })
    expect(choices.map(({ model }) => model)).toEqual([hash])
  })
})
