import { readFile } from 'node:fs/promises'
import type { EngineComponents } from '../engine/create-engine.ts'
import type { Dtype, Manifest } from '../models/manifest.ts'
import { readJson, type ModelFiles } from '../models/model-files.ts'
import { parseManifest } from '../models/parse-manifest.ts'
import { createChatTokenizer, type ChatTokenizer } from '../engine/tokenizer/chat-tokenizer.ts'

const TINY = new URL('../../web/public/models/infernet-tiny/', import.meta.url)

export interface TinyModel {
  readonly manifest: Manifest
  readonly files: ModelFiles
  readonly tokenizer: ChatTokenizer
}

/** The bundled model as it lies in the repository, for tests in Node; nothing of it is checked. */
export async function readTinyModel(dtype: Dtype): Promise<TinyModel> {
  return readModel(TINY, dtype)
}

/** Any model as a publisher's folder holds it. @param folder ends with a slash */
export async function readModel(folder: URL, dtype: Dtype): Promise<TinyModel> {
  const manifest = parseManifest(await readFile(new URL(`manifest.${dtype}.json`, folder)))
  const files: ModelFiles = {
    paths: manifest.files.map(({ path }) => path),
    read: async (path) => Uint8Array.from(await readFile(new URL(path, folder))),
  }
  const tokenizer = createChatTokenizer({
    tokenizerJson: await readJson(files, 'tokenizer.json'),
    tokenizerConfig: await readJson(files, 'tokenizer_config.json'),
    generationConfig: await readJson(files, 'generation_config.json'),
    contextLength: manifest.contextLength,
  })
  return { manifest, files, tokenizer }
}

/** What an engine in this process needs: onnxruntime-web's wasm build, one thread. */
export async function wasmComponents(files: ModelFiles): Promise<EngineComponents> {
  const ort = await import('onnxruntime-web/wasm')
  ort.env.wasm.numThreads = 1
  const dist = new URL('../../node_modules/onnxruntime-web/dist/', import.meta.url)
  const binary = await readFile(new URL('ort-wasm-simd-threaded.wasm', dist))
  ort.env.wasm.wasmBinary = Uint8Array.from(binary).buffer
  return {
    ort,
    files,
    gpu: undefined,
    now: () => performance.now(),
    breathe: () => new Promise((resolve) => setImmediate(resolve)),
  }
}
