/**
 * Writes what names a model and what tests it: `node shared/model-kit/make-manifest.ts <folder>`, to be run again
 * whenever a file of the folder changes.
 *
 * For each precision it writes `golden.<dtype>.json` (greedy answers of the wasm engine in Node) and then
 * `manifest.<dtype>.json` (size, SHA-256 and piece hashes of every file).
 */
import { readFile, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { PREFILL_SEGMENT, type Decoder, type Sequence } from '#shared/engine/decoder/decoder.ts'
import { loadDecoder } from '#shared/engine/decoder/load-decoder.ts'
import { eosTokens } from '#shared/models/eos-tokens.ts'
import type { Golden } from '#shared/engine/golden.ts'
import { createChatTokenizer } from '#shared/engine/tokenizer/chat-tokenizer.ts'
import { FileHasher } from '#shared/models/file-hasher.ts'
import { draftManifest, finishManifest } from '#shared/models/make-manifest.ts'
import { goldenPath, hashManifest, type Manifest, type ManifestFile } from '#shared/models/manifest.ts'
import { readChatTemplate, readJson, readJsonIfAny, type ModelFiles } from '#shared/models/model-files.ts'
import { modelType } from '#shared/models/onnx/onnx-messages.ts'
import { pickFiles } from '#shared/models/pick-files.ts'
import { isWeightsFile } from '#shared/models/weight-files.ts'
import { lintFolder, openModelFolder, printFindings, type ModelFolder } from './model-folder.ts'
import { runTool } from './run-tool.ts'
import { tagOf } from '../wire/versions.ts'

/** Two short questions, and one longer than a prefill segment so that reading on from a cache is tested too. */
const QUESTIONS = [
  { ask: ['What is 3 plus 4?'], tokens: 6 },
  { ask: ['Tell me a story about a cat.'], tokens: 5 },
  {
    ask: [
      'Tell me a story about a dog and a ball.',
      'Once there was a dog. The dog had a red ball. The dog liked to play with the ball in the park every day.',
      'What is 12 plus 5?',
      '12 plus 5 is 17.',
      'What does a dog say? What does a cat say? What is the colour of the sky? Tell me one after the other, please.',
      'A dog says woof. A cat says meow. The sky is blue.',
      'Tell me a story about a bird.',
    ],
    tokens: 4,
  },
]

/**
 * The lead that a golden token's logit must have. Devices were seen to differ by 1.5e-5 at 32-bit floats; half precision
 * and other kernels are orders worse, so the margin is wide.
 */
const MIN_LEAD = 0.1

await runTool(async () => {
  const folder = process.argv[2]
  if (!folder) throw new Error('usage: node shared/model-kit/make-manifest.ts <model folder>')
  const root = resolve(folder)
  for (const model of await openModelFolder(root)) await writeModel(root, model)
})

async function writeModel(root: string, model: ModelFolder): Promise<void> {
  const { dtype, weights, files } = model
  const findings = await lintFolder(model)
  printFindings(dtype, findings)
  if (findings.some(({ level }) => level === 'refuse'))
    throw new Error(`${weights} cannot be published as it is.`)
  const { graph } = modelType.decode(await files.read(weights))
  if (!graph) throw new Error(`${weights} has no graph.`)
  const config = await readJson(files, 'config.json')
  const draft = draftManifest({ called: basename(root), dtype, config, graph })
  const golden = await makeGolden(files, draft)
  await writeFile(join(root, goldenPath(dtype)), `${JSON.stringify(golden)}\n`)
  const listed = []
  const beside = files.paths.filter((path) => path !== weights && isWeightsFile(path, weights))
  for (const path of pickFiles([...files.paths, goldenPath(dtype)], dtype, beside))
    listed.push(await describe(root, path))
  const manifest = finishManifest(draft, listed)
  await writeFile(join(root, `manifest.${dtype}.json`), `${JSON.stringify(manifest, null, 1)}\n`)
  const counts = golden.cases.map(({ prompt, tokens }) => `${prompt.length}+${tokens.length}`).join(', ')
  console.log(`${manifest.id} ${dtype}: ${hashManifest(manifest)}, golden tokens ${counts}`)
}

async function makeGolden(files: ModelFiles, manifest: Manifest): Promise<Golden> {
  const tokenizerJson = await readJson(files, 'tokenizer.json')
  const tokenizerConfig = await readJson(files, 'tokenizer_config.json')
  const generationConfig = await readJsonIfAny(files, 'generation_config.json')
  const config = await readJson(files, 'config.json')
  const { contextLength } = manifest
  const chatTemplate = await readChatTemplate(files)
  const tokenizer = createChatTokenizer({
    tokenizerJson,
    tokenizerConfig,
    generationConfig,
    config,
    chatTemplate,
    contextLength,
  })
  const ort = await import('onnxruntime-web/wasm')
  ort.env.wasm.numThreads = 1
  const binary = await readFile(new URL(import.meta.resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm')))
  ort.env.wasm.wasmBinary = Uint8Array.from(binary).buffer
  const decoder = await loadDecoder({ ort, files, gpu: undefined }, manifest)
  const eos = eosTokens(generationConfig, config)
  const cases = []
  for (const { ask, tokens: wanted } of QUESTIONS) {
    const prompt = tokenizer.encodeChat(
      ask.map((content, i) => ({ role: i % 2 === 0 ? ('user' as const) : ('assistant' as const), content })),
    )
    if (prompt.length + wanted > contextLength) continue // more than the model holds
    const sequence = decoder.open()
    const tokens: number[] = []
    let unread: readonly number[] = prompt
    while (tokens.length < wanted) {
      const [best, lead] = topOf(await readAll(decoder, sequence, unread))
      if (lead < MIN_LEAD) break
      tokens.push(best)
      unread = [best]
      if (eos.has(best)) break
    }
    sequence.dispose()
    if (tokens.length > 0) cases.push({ prompt: [...prompt], tokens })
  }
  await decoder.close()
  if (cases.length === 0) throw new Error('no golden token leads by enough: choose other questions')
  return { format: tagOf('file', 'golden'), cases }
}

async function readAll(
  decoder: Decoder,
  sequence: Sequence,
  tokens: readonly number[],
): Promise<Float32Array> {
  const rest = tokens.slice(PREFILL_SEGMENT)
  const segment = tokens.slice(0, PREFILL_SEGMENT)
  if (rest.length === 0) return (await decoder.prefill(sequence, segment, { hint: undefined })).values
  await decoder.prefill(sequence, segment)
  return readAll(decoder, sequence, rest)
}

/** The id of the highest logit, and how far it leads. */
function topOf(logits: Float32Array): readonly [token: number, lead: number] {
  let best = 0
  let second = -Infinity
  for (let v = 1; v < logits.length; v++) {
    const z = logits[v] ?? -Infinity
    const top = logits[best] ?? -Infinity
    if (z > top) [best, second] = [v, top]
    else if (z > second) second = z
  }
  return [best, (logits[best] ?? 0) - second]
}

async function describe(root: string, path: string): Promise<ManifestFile> {
  const hasher = new FileHasher({ digest: (bytes) => crypto.subtle.digest('SHA-256', bytes) })
  await hasher.update(await readFile(join(root, path)))
  return (await hasher.finish(path)).file
}
