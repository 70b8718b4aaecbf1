import * as v from 'valibot'
import { InfernetError } from '../errors/infernet-error.ts'
import { manifestSchema, type Manifest } from './manifest.ts'
import { parseJson } from './model-files.ts'
import { ENCODING } from './task.ts'

/**
 * Reads a manifest from its JSON form.
 *
 * @throws InfernetError `models.corrupt` when it is no JSON, lacks a field, names weights that it does not list, or has not
 *   what its task needs
 */
export function parseManifest(bytes: Uint8Array, path = 'manifest'): Manifest {
  const parsed = v.safeParse(manifestSchema, parseJson(bytes, path))
  if (!parsed.success || !isWhole(parsed.output)) throw new InfernetError('models.corrupt', { path })
  return parsed.output
}

function isWhole({ files, weights, task, encoder }: Manifest): boolean {
  return (task === ENCODING) === (encoder !== undefined) && files.some(({ path }) => path === weights)
}
