/**
 * By hand, with a network: `INFERNET_HUB=1 npx vitest run --project unit e2e/hub/real-hub.test.ts`, or
 * `INFERNET_HUB=q4 ...` for one precision. It adds real models (100 MB to 3 GB each) and asks those that fit on wasm
 * for the capital of France, so it is skipped otherwise. What has come stays in `node_modules/.cache/hub`.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { createEngine } from '#shared/engine/create-engine.ts'
import { createChatTokenizer } from '#shared/engine/tokenizer/chat-tokenizer.ts'
import { hasCode } from '#shared/errors/infernet-error.ts'
import { WEIGHTS_PATHS, manifestBytes, type Dtype, type Manifest } from '#shared/models/manifest.ts'
import { readChatTemplate, readJson, readJsonIfAny, type ModelFiles } from '#shared/models/model-files.ts'
import { addModel, type AddedModel } from '#shared/models/origin/add-model.ts'
import { createHubOrigin } from '#shared/models/origin/hub-origin.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { wasmComponents } from '#shared/testing/tiny-model.ts'
import { createFolderScratch } from './folder-scratch.ts'

const REPOSITORIES = [
  'HuggingFaceTB/SmolLM2-135M-Instruct',
  'HuggingFaceTB/SmolLM2-360M-Instruct',
  'HuggingFaceTB/SmolLM2-1.7B-Instruct',
  'onnx-community/Qwen2.5-0.5B-Instruct',
  'onnx-community/Qwen3-0.6B-ONNX',
  'onnx-community/Qwen3-1.7B-ONNX',
  'onnx-community/Llama-3.2-1B-Instruct-ONNX',
  'onnx-community/gemma-3-270m-it-ONNX',
  'onnx-community/gemma-3-1b-it-ONNX',
  'onnx-community/Phi-3.5-mini-instruct-onnx-web',
  'onnx-community/Phi-4-mini-instruct-ONNX',
]
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/hub/', import.meta.url))
const MINUTE = 60_000
/** Half of what a wasm heap may hold: the weights are in it twice while they load. */
const MAX_WASM_BYTES = 2e9

const wanted = process.env['INFERNET_HUB']
const isDtype = (name: string | undefined): name is Dtype => name !== undefined && name in WEIGHTS_PATHS
const dtypes: readonly Dtype[] = isDtype(wanted) ? [wanted] : ['q4', 'q4f16', 'fp16', 'fp32']
const cases = REPOSITORIES.flatMap((repository) => dtypes.map((dtype) => ({ repository, dtype })))

describe.skipIf(!wanted)('real models of the hub', () => {
  it.each(cases)(
    '$repository in $dtype is added, twice with the same hash, and answers',
    async ({ repository, dtype }) => {
      const folder = join(CACHE, repository.replace('/', '--'))
      const added = await add(repository, dtype, folder)
      if (!added) return
      const { hash, manifest, findings } = added
      console.warn(`${repository} ${dtype}: ${hash}, ${manifestBytes(manifest)} bytes`)
      for (const { level, rule, says } of findings) console.warn(`${level} ${rule}: ${says}`)
      expect((await add(repository, dtype, folder))?.hash).toBe(hash)
      if (manifestBytes(manifest) < MAX_WASM_BYTES) expect(await ask(folder, manifest)).toContain('Paris')
    },
    60 * MINUTE,
  )
})

/** Undefined where the repository has no such precision, which is told. */
async function add(repository: string, dtype: Dtype, folder: string): Promise<AddedModel | undefined> {
  try {
    return await addModel(
      {
        origin: createHubOrigin({ fetch, clock: realClock }),
        digest: (bytes) => crypto.subtle.digest('SHA-256', bytes),
        streamingHash: () => createHash('sha256'),
        scratch: createFolderScratch(folder),
      },
      { repository, dtype, token: process.env['HF_TOKEN'] },
      { accept: () => true },
    )
  } catch (error) {
    if (!hasCode(error, 'origin.unsuitable')) throw error
    console.warn(error.message)
    return undefined
  }
}

async function ask(folder: string, manifest: Manifest): Promise<string> {
  const files: ModelFiles = {
    paths: manifest.files.map(({ path }) => path),
    read: async (path) => Uint8Array.from(await readFile(join(folder, path))),
  }
  const chat = createChatTokenizer({
    tokenizerJson: await readJson(files, 'tokenizer.json'),
    tokenizerConfig: await readJson(files, 'tokenizer_config.json'),
    generationConfig: await readJsonIfAny(files, 'generation_config.json'),
    config: await readJson(files, 'config.json'),
    chatTemplate: await readChatTemplate(files),
    contextLength: Math.min(manifest.contextLength, 4096),
  })
  const engine = await createEngine(await wasmComponents(files), { manifest })
  const question = 'What is the capital of France? Answer with one word.'
  const tokens: number[] = []
  for await (const batch of engine.generate({
    promptTokens: chat.encodeChat([{ role: 'user', content: question }], { thinking: false }),
    priorTokens: [],
    sampler: { temperature: 0, topP: 1 },
    seed: new Uint8Array(0),
    maxTokens: 40,
  }))
    tokens.push(...batch.tokens)
  await engine.close()
  return chat.decode(tokens)
}
