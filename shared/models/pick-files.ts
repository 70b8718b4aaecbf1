import { goldenPath, WEIGHTS_PATHS, type Dtype } from './manifest.ts'
import { CHAT_TEMPLATE_PATH } from './model-files.ts'
import { isLicenceText } from './licence.ts'

/** Beside the weights in every repository; the last one only where the template has a file of its own. */
const COMMON = [
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  CHAT_TEMPLATE_PATH,
]

const NEEDED = ['config.json', 'tokenizer.json', 'tokenizer_config.json']

const DTYPES = Object.keys(WEIGHTS_PATHS) as Dtype[]

/** The precisions that a repository with these files has. */
export function dtypesIn(paths: readonly string[]): readonly Dtype[] {
  return DTYPES.filter((dtype) => paths.includes(WEIGHTS_PATHS[dtype]))
}

/** What a model cannot be read without and these files lack. */
export function missingIn(paths: readonly string[]): readonly string[] {
  return NEEDED.filter((path) => !paths.includes(path))
}

/**
 * The files of one precision in the order in which a manifest lists them, which is the same on every machine: what is
 * small and soon here comes first, the weights last.
 *
 * @param beside the files that the graph names, relative to the repository
 */
export function pickFiles(
  paths: readonly string[],
  dtype: Dtype,
  beside: readonly string[],
): readonly string[] {
  const here = new Set(paths)
  const texts = paths.filter(isLicenceText).toSorted()
  const weights = WEIGHTS_PATHS[dtype]
  return [...COMMON, ...texts, goldenPath(dtype), weights, ...beside.toSorted()].filter((path) =>
    here.has(path),
  )
}

/** Every name under which a precision's files may lie, for a place that cannot be asked for a list. */
export function possibleFiles(dtype: Dtype): readonly string[] {
  const weights = WEIGHTS_PATHS[dtype]
  return [...COMMON, 'LICENSE', 'NOTICE', goldenPath(dtype), weights, `${weights}_data`]
}
