import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { lintEncoder, type EncoderFinding } from '#shared/models/lint-encoder.ts'
import type { Finding } from '#shared/models/lint-model.ts'
import { configNumber, contextLengthOf, lintWith } from '#shared/models/make-manifest.ts'
import { WEIGHTS_PATHS, type Dtype } from '#shared/models/manifest.ts'
import { readJson, readJsonIfAny, type ModelFiles } from '#shared/models/model-files.ts'
import { externalFiles } from '#shared/models/onnx/external-weights.ts'
import { modelType } from '#shared/models/onnx/onnx-messages.ts'
import { dtypesIn, missingIn, pickFiles } from '#shared/models/pick-files.ts'
import { isWeightsFile, pathBeside } from '#shared/models/weight-files.ts'

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
  const here = await listFolder(root)
  const read = async (path: string) => Uint8Array.from(await readFile(join(root, path)))
  const missing = missingIn(here)
  if (missing.length > 0) throw new Error(`${root} has no ${missing.join(' and no ')}.`)
  const found = dtypesIn(here)
  if (found.length === 0) throw new Error(noWeights(root, here))
  return Promise.all(
    found.map(async (dtype) => {
      const weights = WEIGHTS_PATHS[dtype]
      const { graph } = modelType.decode(await read(weights))
      const beside = (graph ? externalFiles(graph) : []).map((name) => pathBeside(weights, name))
      return { dtype, weights, files: { paths: pickFiles(here, dtype, beside), read } }
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
  const generationConfig = await readJsonIfAny(files, 'generation_config.json')
  const input = { dtype, weights: bytes, paths: files.paths, beside }
  return lintWith({ config, generationConfig }, input)
}

/** One that gives a vector for each text, by the name that the hub's exports have for it. */
function isEncoder(weights: Uint8Array): boolean {
  return modelType.decode(weights).graph?.outputs.some(({ name }) => name === 'sentence_embedding') ?? false
}

/** One line for each finding. */
export function printFindings(dtype: Dtype, findings: readonly (Finding | EncoderFinding)[]): void {
  for (const { level, rule, says } of findings) console.log(`${dtype} ${level} ${rule}: ${says}`)
}
