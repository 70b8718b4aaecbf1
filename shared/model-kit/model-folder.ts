import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { eosTokens } from '#shared/engine/eos-tokens.ts'
import { lintModel, type Finding } from '#shared/models/lint-model.ts'
import { WEIGHTS_PATHS, type Dtype } from '#shared/models/manifest.ts'
import { readJson, type ModelFiles } from '#shared/models/model-files.ts'

/** Beside the weights in every repository; the last one only where the template has a file of its own. */
const COMMON = [
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'chat_template.jinja',
]

/** The files of one precision of a model that lies in a folder. */
export interface ModelFolder {
  readonly dtype: Dtype
  readonly weights: string
  readonly files: ModelFiles
}

/** All precisions that a folder in the layout of the hub holds. */
export async function openModelFolder(root: string): Promise<readonly ModelFolder[]> {
  const here = new Set(await readdir(root, { recursive: true }))
  const read = async (path: string) => Uint8Array.from(await readFile(join(root, path)))
  return (Object.entries(WEIGHTS_PATHS) as [Dtype, string][])
    .filter(([, weights]) => here.has(weights))
    .map(([dtype, weights]) => {
      const beside = [...here].filter((path) => path.startsWith(`${weights}_data`)).toSorted()
      const paths = [...COMMON.filter((path) => here.has(path)), weights, ...beside]
      return { dtype, weights, files: { paths, read } }
    })
}

/** What the publisher's lint says of one precision. */
export async function lintFolder({ dtype, weights, files }: ModelFolder): Promise<readonly Finding[]> {
  const config = await readJson(files, 'config.json')
  const beside = []
  for (const path of files.paths.filter((path) => path.startsWith(`${weights}_data`)))
    beside.push({ path: path.split('/').at(-1) ?? path, data: await files.read(path) })
  return lintModel({
    dtype,
    weights: await files.read(weights),
    paths: files.paths,
    config,
    eosTokens: eosTokens(await readJson(files, 'generation_config.json'), config),
    contextLength: Number(config['max_position_embeddings']),
    beside,
  })
}

/** One line for each finding. */
export function printFindings(dtype: Dtype, findings: readonly Finding[]): void {
  for (const { level, rule, says } of findings) console.log(`${dtype} ${level} ${rule}: ${says}`)
}
