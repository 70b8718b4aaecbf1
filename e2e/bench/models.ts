import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ModelHash } from '#shared/base/ids.ts'
import { createChatTokenizer } from '#shared/engine/tokenizer/chat-tokenizer.ts'
import { hashManifest } from '#shared/models/manifest.ts'
import { parseManifest } from '#shared/models/parse-manifest.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const TINY = join(ROOT, 'web/public/models/infernet-tiny')
const KIT = join(ROOT, 'shared/models/kit')

/** Built once and kept: the weights of the larger one are 650 MB and take half a minute. */
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

/** Debian's own Python sees Debian's packages; another one may have them, too. */
const PYTHONS = ['/usr/bin/python3', 'python3']

/** A model in a folder of its own for a relay to serve, as the one of the catalogue. */
export interface BenchModel {
  readonly model: ModelHash
  readonly id: string
  readonly dtype: string
  /** For `--models-folder`. */
  readonly folder: string
  readonly encode: (question: string) => readonly number[]
}

/** The bundled model. It is copied, because a relay follows no links. */
export function tinyModel(): BenchModel {
  const folder = join(CACHE, 'bundled')
  cpSync(TINY, join(folder, ENTRY), { recursive: true })
  return read(folder)
}

/** A model of the size of SmolLM2-135M with random weights: nonsense at the speed of a real one. Undefined without the tools. */
export function smolModel(): BenchModel | undefined {
  const id = 'smol135-random'
  const folder = join(CACHE, id)
  if (existsSync(join(folder, ENTRY))) return read(folder)
  const python = PYTHONS.find((each) => spawnSync(each, ['-c', 'import onnx, numpy']).status === 0)
  if (!python) return undefined
  console.error('Building a model with random weights ...')
  const draft = join(CACHE, 'draft', id) // the manifest takes its id from the folder
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(join(draft, 'onnx'), { recursive: true })
  writeTexts(draft)
  const shape = [
    '--config',
    'smol135',
    '--dtype',
    'fp32',
    '--out',
    join(draft, 'onnx'),
    '--name',
    'model.onnx',
  ]
  call(python, [join(KIT, 'build_model.py'), ...shape])
  call(process.execPath, [join(KIT, 'make-manifest.ts'), draft])
  mkdirSync(folder, { recursive: true })
  renameSync(draft, join(folder, ENTRY))
  return read(folder)
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

function read(folder: string): BenchModel {
  const files = join(folder, ENTRY)
  const manifest = parseManifest(Uint8Array.from(readFileSync(join(files, 'manifest.fp32.json'))))
  const tokenizer = createChatTokenizer({
    tokenizerJson: readJson(join(files, 'tokenizer.json')),
    tokenizerConfig: readJson(join(files, 'tokenizer_config.json')),
    generationConfig: readJson(join(files, 'generation_config.json')),
    contextLength: manifest.contextLength,
  })
  const { id, dtype } = manifest
  const encode = (content: string): readonly number[] => tokenizer.encodeChat([{ role: 'user', content }])
  return { model: hashManifest(manifest), id, dtype, folder, encode }
}

function readJson(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
}

function call(command: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${stderr}`)
}
