/**
 * By hand, with a network: `INFERNET_HUB=1 npx vitest run --project unit shared/model-kit/hub.test.ts`, or
 * `INFERNET_HUB=q4 ...` for one precision. It downloads real models (100 MB to 2 GB each), so it is skipped otherwise.
 */
import { describe, expect, it } from 'vitest'
import { createEngine } from '#shared/engine/create-engine.ts'
import { eosTokens } from '#shared/models/eos-tokens.ts'
import { createChatTokenizer } from '#shared/engine/tokenizer/chat-tokenizer.ts'
import { wasmComponents } from '#shared/testing/tiny-model.ts'
import { lintModel } from '../models/lint-model.ts'
import { WEIGHTS_PATHS, type Dtype, type Manifest } from '../models/manifest.ts'
import { readJson, type ModelFiles } from '../models/model-files.ts'

/** The smallest of each family. */
const REPOSITORIES = [
  'HuggingFaceTB/SmolLM2-135M-Instruct',
  'onnx-community/Qwen2.5-0.5B-Instruct',
  'onnx-community/Qwen3-0.6B-ONNX',
  'onnx-community/gemma-3-270m-it-ONNX',
  'onnx-community/Llama-3.2-1B-Instruct-ONNX',
  'onnx-community/Phi-3.5-mini-instruct-onnx-web',
  'onnx-community/Phi-4-mini-instruct-ONNX',
]
const HUB = 'https://huggingface.co'
const MINUTE = 60_000

const wanted = process.env['INFERNET_HUB']
const isDtype = (name: string | undefined): name is Dtype => name !== undefined && name in WEIGHTS_PATHS
const dtypes: readonly Dtype[] = isDtype(wanted) ? [wanted] : ['q4', 'q4f16', 'fp16', 'fp32']
const cases = REPOSITORIES.flatMap((repository) => dtypes.map((dtype) => ({ repository, dtype })))

describe.skipIf(!wanted)('real models of the hub, on wasm', () => {
  it.each(cases)(
    '$repository in $dtype answers',
    async ({ repository, dtype }) => {
      const files = await openRepository(repository, dtype)
      if (!files) return console.warn(`${repository} has no ${WEIGHTS_PATHS[dtype]}`)
      const weights = WEIGHTS_PATHS[dtype]
      const config = await readJson(files, 'config.json')
      const generationConfig = await readJson(files, 'generation_config.json')
      const contextLength = Math.min(Number(config['max_position_embeddings']), 4096)
      for (const finding of lintModel({
        dtype,
        weights: await files.read(weights),
        paths: files.paths,
        config,
        eosTokens: eosTokens(generationConfig, config),
        contextLength,
        beside: await Promise.all(
          files.paths
            .filter((path) => path.startsWith(`${weights}_data`))
            .map(async (path) => ({ path: path.replace('onnx/', ''), data: await files.read(path) })),
        ),
      }))
        console.warn(`${repository} ${dtype} ${finding.level} ${finding.rule}: ${finding.says}`)

      const chat = createChatTokenizer({
        tokenizerJson: await readJson(files, 'tokenizer.json'),
        tokenizerConfig: await readJson(files, 'tokenizer_config.json'),
        generationConfig,
        chatTemplate: files.paths.includes(TEMPLATE)
          ? new TextDecoder().decode(await files.read(TEMPLATE))
          : undefined,
        contextLength,
      })
      const manifest: Manifest = {
        format: 'infernet/model/1',
        id: 'hub',
        name: repository,
        task: 'text-generation',
        dtype,
        weights,
        contextLength,
        vocabSize: Number(config['vocab_size']),
        files: [],
      }
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
      expect(chat.decode(tokens)).toContain('Paris')
    },
    30 * MINUTE,
  )
})

const TEMPLATE = 'chat_template.jinja'
const BESIDE = ['config.json', 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json', TEMPLATE]

/** The files of one precision, fetched when they are read; undefined where the repository has it not. */
async function openRepository(repository: string, dtype: Dtype): Promise<ModelFiles | undefined> {
  const listing = await fetch(`${HUB}/api/models/${repository}`)
  expect(listing.ok).toBe(true)
  const { siblings } = (await listing.json()) as { siblings: readonly { rfilename: string }[] }
  const weights = WEIGHTS_PATHS[dtype]
  const paths = siblings
    .map(({ rfilename }) => rfilename)
    .filter((path) => BESIDE.includes(path) || path === weights || path.startsWith(`${weights}_data`))
  if (!paths.includes(weights)) return undefined
  const kept = new Map<string, Promise<Uint8Array<ArrayBuffer>>>()
  const download = async (path: string): Promise<Uint8Array<ArrayBuffer>> => {
    const response = await fetch(`${HUB}/${repository}/resolve/main/${path}`)
    if (!response.ok) throw new Error(`${path}: ${response.status}`)
    return response.bytes()
  }
  return {
    paths,
    read(path) {
      const bytes = kept.get(path) ?? download(path)
      kept.set(path, bytes)
      return bytes
    },
  }
}
