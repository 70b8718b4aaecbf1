import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { createEngine } from '../engine/create-engine.ts'
import { parseManifest } from '../models/parse-manifest.ts'
import { modelType } from '../models/onnx/onnx-messages.ts'
import { wasmComponents } from '../testing/tiny-model.ts'
import { FAMILIES, type FamilyModel } from './families/families.ts'
import { makeFamilyModel } from './families/make-family.ts'
import { contextLengthOf } from '../models/make-manifest.ts'

const roots: string[] = []
afterEach(async () => {
  for (const root of roots.splice(0)) await rm(root, { recursive: true })
})

type Json = Readonly<Record<string, unknown>>
interface Changes {
  /** Of a JSON file; undefined leaves the file out. */
  readonly json?: (path: string, value: Json) => Json | undefined
  readonly path?: (path: string) => string
  /** The name that the graph gives to a file beside it. */
  readonly location?: (name: string) => string
}

function familyOf(fits: (model: FamilyModel) => boolean): FamilyModel {
  const found = FAMILIES.find(fits)
  if (!found) throw new Error('no such family')
  return found
}
const small = familyOf(({ family }) => family.id === 'llama-3.2')
/** Long enough for the questions of the golden answers, byte by byte. */
const llama: FamilyModel = { ...small, family: { ...small.family, contextLength: 2048 } }
const withData = familyOf(({ family }) => (family.dataFiles ?? 0) > 0)

/** The files of a small model of a family, changed. */
async function filesOf(model: FamilyModel, { json, path = String, location }: Changes = {}) {
  const { files, manifest } = makeFamilyModel(model, 'fp32')
  const made = new Map<string, Uint8Array<ArrayBuffer>>()
  for (const name of files.paths) {
    let bytes = await files.read(name)
    if (name.endsWith('.json') && json) {
      const value = json(name, JSON.parse(new TextDecoder().decode(bytes)) as Json)
      if (!value) continue
      bytes = new TextEncoder().encode(JSON.stringify(value))
    }
    if (name === manifest.weights && location) bytes = relocated(bytes, location)
    made.set(path(name), bytes)
  }
  return { manifest, made }
}

function relocated(bytes: Uint8Array, rename: (name: string) => string): Uint8Array<ArrayBuffer> {
  const model = modelType.decode(bytes)
  if (!model.graph) throw new Error('no graph')
  const initializers = model.graph.initializers.map((tensor) => ({
    ...tensor,
    externalData: tensor.externalData.map((entry) =>
      entry.key === 'location' ? { ...entry, value: rename(entry.value ?? '') } : entry,
    ),
  }))
  return Uint8Array.from(modelType.encode({ ...model, graph: { ...model.graph, initializers } }))
}

async function folderOf(name: string, model: FamilyModel, changes: Changes = {}): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'publish-'))
  roots.push(root)
  const folder = join(root, name)
  for (const [path, bytes] of (await filesOf(model, changes)).made) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), bytes)
  }
  return folder
}

async function run(tool: string, folder: string): Promise<{ readonly code: number; readonly said: string }> {
  const script = fileURLToPath(new URL(tool, import.meta.url))
  const { promise, resolve } = Promise.withResolvers<{ code: number; said: string }>()
  const child = execFile(process.execPath, [script, folder], (_, out, err) =>
    resolve({ code: child.exitCode ?? -1, said: out + err }),
  )
  return promise
}

const manifestOf = async (folder: string) => parseManifest(await readFile(join(folder, 'manifest.fp32.json')))

describe('make-manifest', () => {
  it('writes what readers take of a folder named as on the hub', async () => {
    const folder = await folderOf('Qwen3_0.6B-ONNX', llama)
    expect(await run('make-manifest.ts', folder)).toMatchObject({ code: 0 })
    expect(await manifestOf(folder)).toMatchObject({ id: 'qwen3-0.6b-onnx', name: 'Qwen3 0.6B ONNX' })
  })

  it('does without generation_config.json, as the engine does', async () => {
    const without = (path: string, value: Json): Json | undefined =>
      path === 'generation_config.json'
        ? undefined
        : path === 'config.json'
          ? { ...value, eos_token_id: [261, 257] }
          : value
    const folder = await folderOf('model', small, { json: without })
    expect(await run('make-manifest.ts', folder)).toMatchObject({ code: 0 })
    const { files } = await manifestOf(folder)
    expect(files.map(({ path }) => path)).not.toContain('generation_config.json')
  })

  it('reads the measures of the part that writes text', async () => {
    const inner = (path: string, value: Json): Json => {
      const { max_position_embeddings, vocab_size, ...rest } = value
      return path === 'config.json'
        ? { ...rest, text_config: { max_position_embeddings, vocab_size } }
        : value
    }
    const folder = await folderOf('model', llama, { json: inner })
    expect((await run('check-model.ts', folder)).said).not.toContain('config.json names')
    const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')) as Json
    expect(contextLengthOf(config)).toBe(llama.family.contextLength)
    expect(contextLengthOf({ n_positions: 262_144 })).toBe(32_768)
  })

  it.each<[string, Changes, RegExp]>([
    [
      'only a precision that is not known',
      { path: (path) => path.replace('model.onnx', 'model_quantized.onnx') },
      /has none of onnx\/model\.onnx, .* It has onnx\/model_quantized\.onnx\.\n$/,
    ],
    [
      'no tokenizer',
      { json: (path, value) => (path === 'tokenizer.json' ? undefined : value) },
      /has no tokenizer\.json\.\n$/,
    ],
    [
      'no size of the vocabulary',
      { json: (path, value) => (path === 'config.json' ? { ...value, vocab_size: undefined } : value) },
      /config\.json names no vocab_size\.\n$/,
    ],
  ])('says in a line what is wrong with a folder that has %s', async (_, changes, says) => {
    const folder = await folderOf('model', llama, changes)
    const { code, said } = await run('make-manifest.ts', folder)
    expect(code).toBe(1)
    expect(said).toMatch(says)
    expect(said).not.toMatch(/\n\s+at /)
  })

  it('writes no manifest that no reader takes', async () => {
    const folder = await folderOf('___', small)
    expect(await run('make-manifest.ts', folder)).toEqual({
      code: 1,
      said: expect.stringMatching(
        /no reader would take its manifest, because id is out of bounds\.\n$/,
      ) as string,
    })
    await expect(manifestOf(folder)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('names a folder that is not there', async () => {
    expect(await run('make-manifest.ts', '/nowhere/at-all')).toEqual({
      code: 1,
      said: 'The folder /nowhere/at-all cannot be read.\n',
    })
  })
})

describe('weights beside the graph', () => {
  it.each<[string, Changes]>([
    [
      'model.onnx.data',
      {
        path: (path) => path.replace('.onnx_data', '.onnx.data'),
        location: (name) => name.replace('_data', '.data'),
      },
    ],
    ['./model.onnx_data', { location: (name) => `./${name}` }],
    [
      'weights.bin',
      {
        path: (path) => path.replace('model.onnx_data', 'weights.bin'),
        location: (name) => name.replace('model.onnx_data', 'weights.bin'),
      },
    ],
  ])('are found as %s, by the publisher and by the engine', async (_, changes) => {
    const folder = await folderOf('model', withData, changes)
    expect(await run('check-model.ts', folder)).toMatchObject({ code: 0 })
    const { manifest, made } = await filesOf(withData, changes)
    const files = { paths: [...made.keys()], read: async (path: string) => made.get(path)! }
    const engine = await createEngine(await wasmComponents(files), { manifest, maxStreams: 1 })
    expect(engine.info.vocabSize).toBe(manifest.vocabSize)
    await engine.close()
  })

  it('that are not there are named', async () => {
    const { manifest, made } = await filesOf(withData, { location: (name) => `gone/${name}` })
    const files = { paths: [...made.keys()], read: async (path: string) => made.get(path)! }
    await expect(createEngine(await wasmComponents(files), { manifest })).rejects.toMatchObject({
      code: 'models.unsupported',
      facts: { reason: 'a file of its weights is missing' },
    })
  })
})
