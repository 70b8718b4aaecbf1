import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { eosTokens } from '#shared/engine/eos-tokens.ts'
import { lintEncoder, type EncoderFinding } from '#shared/models/lint-encoder.ts'
import { lintModel, type Finding } from '#shared/models/lint-model.ts'
import { WEIGHTS_PATHS, type Dtype } from '#shared/models/manifest.ts'
import { readJson, readJsonIfAny, type ModelFiles } from '#shared/models/model-files.ts'
import { externalFiles } from '#shared/models/onnx/external-weights.ts'
import { modelType } from '#shared/models/onnx/onnx-messages.ts'
import { textLimit } from '#shared/models/text-limit.ts'
import { isWeightsFile, pathBeside } from '#shared/models/weight-files.ts'

/** Beside the weights in every repository; the last one only where the template has a file of its own. */
const COMMON = [
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'chat_template.jinja',
]

const NEEDED = ['config.json', 'tokenizer.json', 'tokenizer_config.json']

/** The files of one precision of a model that lies in a folder. */
export interface ModelFolder {
  readonly dtype: Dtype
  readonly weights: string
  readonly files: ModelFiles
}

/**
 * All precisions that a folder in the layout of the hub holds, at least one.
 *
 * @throws Error that says what of such a folder is missing
 */
export async function openModelFolder(root: string): Promise<readonly ModelFolder[]> {
  const here = new Set(await listFolder(root))
  const read = async (path: string) => Uint8Array.from(await readFile(join(root, path)))
  const missing = NEEDED.filter((path) => !here.has(path))
  if (missing.length > 0) throw new Error(`${root} has no ${missing.join(' and no ')}.`)
  const found = (Object.entries(WEIGHTS_PATHS) as [Dtype, string][]).filter(([, path]) => here.has(path))
  if (found.length === 0) throw new Error(noWeights(root, [...here]))
  return Promise.all(
    found.map(async ([dtype, weights]) => {
      const { graph } = modelType.decode(await read(weights))
      const beside = (graph ? externalFiles(graph) : []).map((name) => pathBeside(weights, name))
      const paths = [...COMMON, weights, ...beside.toSorted()].filter((path) => here.has(path))
      return { dtype, weights, files: { paths, read } }
    }),
  )
}

async function listFolder(root: string): Promise<readonly string[]> {
  try {
    return await readdir(root, { recursive: true })
  } catch (cause) {
    throw new Error(`The folder ${root} cannot be read.`, { cause })
  }
}

function noWeights(root: string, here: readonly string[]): string {
  const others = here.filter((path) => path.endsWith('.onnx')).toSorted()
  const names = Object.values(WEIGHTS_PATHS).join(', ')
  const instead = others.length > 0 ? ` It has ${others.slice(0, 8).join(', ')}.` : ''
  return `${root} has none of ${names}.${instead}`
}

/** A whole number of config.json; of a model that also sees or hears, of the part that writes text. */
export function configNumber(config: Readonly<Record<string, unknown>>, names: readonly string[]): number {
  const inner = config['text_config']
  const parts = [config, typeof inner === 'object' && inner !== null ? { ...inner } : {}]
  for (const part of parts)
    for (const name of names) if (Number.isSafeInteger(part[name])) return Number(part[name])
  throw new Error(`config.json names no ${names[0] ?? ''}.`)
}

/** Prompt and answer together, as far as the model and the wire carry them. */
export function contextLengthOf(config: Readonly<Record<string, unknown>>): number {
  return textLimit({ contextLength: configNumber(config, ['max_position_embeddings', 'n_positions']) })
}

/** What the publisher's lint says of one precision. */
export async function lintFolder({
  dtype,
  weights,
  files,
}: ModelFolder): Promise<readonly (Finding | EncoderFinding)[]> {
  const config = await readJson(files, 'config.json')
  const bytes = await files.read(weights)
  if (isEncoder(bytes))
    return lintEncoder({
      ...{ dtype, weights: bytes, paths: files.paths, config, contextLength: contextLengthOf(config) },
      dimensions: configNumber(config, ['hidden_size']),
    })
  const beside = []
  for (const path of files.paths.filter((path) => path !== weights && isWeightsFile(path, weights)))
    beside.push({ path: path.slice(pathBeside(weights, '').length), data: await files.read(path) })
  return lintModel({
    dtype,
    weights: bytes,
    paths: files.paths,
    config: { ...config, vocab_size: configNumber(config, ['vocab_size']) },
    eosTokens: eosTokens(await readJsonIfAny(files, 'generation_config.json'), config),
    contextLength: contextLengthOf(config),
    beside,
  })
}

/** One that gives a vector for each text, by the name that the hub's exports have for it. */
function isEncoder(weights: Uint8Array): boolean {
  return modelType.decode(weights).graph?.outputs.some(({ name }) => name === 'sentence_embedding') ?? false
}

/** One line for each finding. */
export function printFindings(dtype: Dtype, findings: readonly (Finding | EncoderFinding)[]): void {
  for (const { level, rule, says } of findings) console.log(`${dtype} ${level} ${rule}: ${says}`)
}
