import type { EngineInfo } from '../../engine/engine.ts'
import { clip } from '../../base/text-bounds.ts'
import type { VerifierClass } from '../verdict.ts'

/** What this engine's arithmetic is built from: `package.json` names the version. @internal */
export const ENGINE_BUILD = 'onnxruntime-web 1.30.0'

const MAX_ADAPTER_CHARACTERS = 60

/** What a verdict says of the engine behind it. */
export function ownClass({ backend, adapter }: EngineInfo): VerifierClass {
  return { backend, adapter: clip(adapter, MAX_ADAPTER_CHARACTERS), build: ENGINE_BUILD }
}
