import type { ErrorCode } from '#shared/errors/code-table.ts'
import type { InfernetError } from '#shared/errors/infernet-error.ts'
import { StartError } from './base/start-error.ts'

const OTHER_MODEL = 'Choose a smaller model with --seed-model, or --seed-backend wasm.'
const DRIVER = 'Update the graphics driver, or use --seed-backend wasm.'
const FILES = 'Put the files of the model into the folder of --models-folder, or set --seed-provider off.'

/** What the operator can do about a failure that keeps the relay from starting, in the relay's own options. */
const OPERATOR_FIXES: Readonly<Partial<Record<ErrorCode, string>>> = {
  'engine.no-webgpu': 'Run `npm install webgpu`, or use --seed-backend wasm.',
  'engine.no-adapter': DRIVER,
  'engine.software-adapter': DRIVER,
  'engine.shader-failed': DRIVER,
  'engine.self-test-failed': DRIVER,
  'engine.device-lost': DRIVER,
  'engine.limits': OTHER_MODEL,
  'engine.out-of-memory': OTHER_MODEL,
  'models.unknown': 'Name with --seed-model a model of the catalogue whose manifest the relay has.',
  'models.unavailable': FILES,
  'models.truncated': FILES,
  'models.corrupt': FILES,
  'models.unsupported': 'Choose another model with --seed-model.',
}

/** What the operator can mend, as one line with its fix; undefined for what only a developer can. */
export function startErrorOf({ code, message }: InfernetError): StartError | undefined {
  const fix = OPERATOR_FIXES[code]
  return fix === undefined
    ? undefined
    : new StartError(message, fix, { exitCode: code === 'models.unknown' ? 2 : 1 })
}
