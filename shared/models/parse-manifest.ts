import * as v from 'valibot'
import { InfernetError } from '../errors/infernet-error.ts'
import { manifestSchema, type Manifest } from './manifest.ts'
import { parseJson } from './model-files.ts'

/**
 * Reads a manifest from its JSON form.
 *
 * @throws InfernetError `models.corrupt` when it is no JSON, lacks a field, or names weights that it does not list
 */
export function parseManifest(bytes: Uint8Array, path = 'manifest'): Manifest {
  const parsed = v.safeParse(manifestSchema, parseJson(bytes, path))
  if (!parsed.success || !parsed.output.files.some((file) => file.path === parsed.output.weights))
    throw new InfernetError('models.corrupt', { path })
  return parsed.output
}
