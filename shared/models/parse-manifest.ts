import * as v from 'valibot'
import { InfernetError } from '../errors/infernet-error.ts'
import { contradictionIn } from './check-files.ts'
import { manifestSchema, type Manifest } from './manifest.ts'
import { parseJson } from './model-files.ts'
import { ENCODING } from './task.ts'

/**
 * Reads a manifest from its JSON form.
 *
 * @throws InfernetError `models.corrupt` when it is no JSON, lacks a field, contradicts itself, or has not what its task
 *   needs
 */
export function parseManifest(bytes: Uint8Array, path = 'manifest'): Manifest {
  const parsed = v.safeParse(manifestSchema, parseJson(bytes, path))
  if (!parsed.success || !isWhole(parsed.output)) throw new InfernetError('models.corrupt', { path })
  return parsed.output
}

function isWhole(manifest: Manifest): boolean {
  const { task, encoder } = manifest
  return (task === ENCODING) === (encoder !== undefined) && contradictionIn(manifest) === undefined
}
