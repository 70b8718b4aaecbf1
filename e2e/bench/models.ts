import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ModelHash } from '#shared/base/ids.ts'
import { createChatTokenizer } from '#shared/engine/tokenizer/chat-tokenizer.ts'
import { hashManifest } from '#shared/models/manifest.ts'
import { parseManifest } from '#shared/models/parse-manifest.ts'
import { cutLayer } from '#shared/testing/cheats/cut-layer.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const TINY = join(ROOT, 'web/public/models/infernet-tiny')
const KIT = join(ROOT, 'shared/model-kit')

/** Built once and kept: the weights of the larger one are 250 to 650 MB and take half a minute. */
const CACHE = join(ROOT, 'node_modules/.cache/bench-models')

/** Where the page's catalogue looks for its model. Whatever lies there is what it offers, under its own hash. */
const ENTRY = 'infernet-tiny'

/** The measures of SmolLM2-135M; the tokenizer is Infernet Tiny's, whose 1024 tokens are a beginning of its vocabulary. */
const SMOL = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: 49152,
  hidden_size: 576,
  num_hidden_layers: 30,
  num_attention_heads: 9,
  num_key_value_heads: 3,
  head_dim: 64,
  intermediate_size: 1536,
  max_position_embeddings: 2048,
  rope_theta: 10000,
  rms_norm_eps: 1e-5,
  hidden_act: 'silu',
  tie_word_embeddings: false,
}

const CUT_LAYER = 1

/** Debian's own Python sees Debian's packages; another one may have them, too. */
const PYTHONS = ['/usr/bin/python3', 'python3']

/** A model in a folder of its own for a relay to serve, as the one of the catalogue. */
export interface BenchModel {
  readonly model: ModelHash
  readonly id: string
  readonly dtype: string
  /** For `--models-folder`. */
  readonly folder: string
  /** Its only model, in the layout of the hub. */
  readonly files: string
  readonly vocabSize: number
  readonly encode: (question: string) => readonly number[]
}

export type BenchDtype = 'fp32' | 'q4'

/** Names of the files, where every exporter puts them. */
const WEIGHTS: Readonly<Record<BenchDtype, string>> = { fp32: 'model.onnx', q4: 'model_q4.onnx' }

/** The bundled model. It is copied, because a relay follows no links. */
export function tinyModel(dtype: BenchDtype = 'fp32'): BenchModel {
  const folder = join(CACHE, 'bundled')
  cpSync(TINY, join(folder, ENTRY), { recursive: true })
  return read(folder, dtype)
}

/** A model of the size of SmolLM2-135M with random weights: nonsense at the speed of a real one. Undefined without the tools. */
export function smolModel(dtype: BenchDtype = 'fp32'): BenchModel | undefined {
  const id = 'smol135-random'
  const folder = join(CACHE, `${id}-${dtype}`)
  if (existsSync(join(folder, ENTRY))) return read(folder, dtype)
  const python = PYTHONS.find((each) => spawnSync(each, ['-c', 'import onnx, numpy']).status === 0)
  if (!python) return undefined
  console.error(`Building a model with random weights in ${dtype} ...`)
  const draft = join(CACHE, 'draft', dtype, id) // the manifest takes its id from the folder
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(join(draft, 'onnx'), { recursive: true })
  writeTexts(draft)
  const graph = ['--out', join(draft, 'onnx'), '--name', WEIGHTS[dtype]]
  call(python, [join(KIT, 'build_model.py'), '--config', 'smol135', '--dtype', dtype, ...graph])
  call(process.execPath, [join(KIT, 'make-manifest.ts'), draft])
  keepShortestAnswer(draft, dtype)
  mkdirSync(folder, { recursive: true })
  renameSync(draft, join(folder, ENTRY))
  return read(folder, dtype)
}

/** The same without the second of its 30 layers; `whole` is the folder's `files`. */
export function smolWithoutLayer(whole: string): string {
  const files = join(CACHE, 'smol135-random-cut', 'smol135-random')
  if (existsSync(join(files, 'manifest.fp32.json'))) return files
  console.error('Taking a layer out of the model with random weights ...')
  rmSync(files, { recursive: true, force: true })
  mkdirSync(join(files, 'onnx'), { recursive: true })
  writeTexts(files)
  const path = join('onnx', WEIGHTS.fp32)
  writeFileSync(join(files, path), cutLayer(Uint8Array.from(readFileSync(join(whole, path))), CUT_LAYER))
  call(process.execPath, [join(KIT, 'make-manifest.ts'), files])
  return files
}

/** On a software GPU this model reads four tokens a second, and the self-test's longest prompt would take a minute. */
function keepShortestAnswer(folder: string, dtype: BenchDtype): void {
  const path = `golden.${dtype}.json`
  const golden = readJson(join(folder, path)) as { cases: { prompt: number[] }[] }
  const [shortest] = golden.cases.toSorted((a, b) => a.prompt.length - b.prompt.length)
  const text = JSON.stringify({ ...golden, cases: [shortest] })
  writeFileSync(join(folder, path), text)
  const name = join(folder, `manifest.${dtype}.json`)
  const manifest = readJson(name) as { files: { path: string }[] }
  const sha256 = createHash('sha256').update(text).digest('hex')
  const listed = { path, size: text.length, sha256, pieces: [sha256] }
  const files = manifest.files.map((file) => (file.path === path ? listed : file))
  writeFileSync(name, JSON.stringify({ ...manifest, files }))
}

function writeTexts(folder: string): void {
  const names = ['tokenizer.json', 'tokenizer_config.json', 'generation_config.json']
  for (const name of names) cpSync(join(TINY, name), join(folder, name))
  const tiny = readJson(join(TINY, 'config.json'))
  if (Number(tiny['vocab_size']) > SMOL.vocab_size)
    throw new Error('the tokenizer does not fit the vocabulary')
  const ends = ['bos_token_id', 'eos_token_id', 'pad_token_id'].map((name) => [name, tiny[name]])
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...SMOL, ...Object.fromEntries(ends) }))
}

function read(folder: string, precision: BenchDtype): BenchModel {
  const files = join(folder, ENTRY)
  const manifest = parseManifest(Uint8Array.from(readFileSync(join(files, `manifest.${precision}.json`))))
  const tokenizer = createChatTokenizer({
    tokenizerJson: readJson(join(files, 'tokenizer.json')),
    tokenizerConfig: readJson(join(files, 'tokenizer_config.json')),
    generationConfig: readJson(join(files, 'generation_config.json')),
    contextLength: manifest.contextLength,
  })
  const { id, dtype, vocabSize } = manifest
  const encode = (content: string): readonly number[] => tokenizer.encodeChat([{ role: 'user', content }])
  return { model: hashManifest(manifest), id, dtype, folder, files, vocabSize, encode }
}

function readJson(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
}

function call(command: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${stderr}`)
}
