/** The peer as its users run it: transformers.js in a dedicated worker that sends tokens to the page. */
import './right-device.ts'
import {
  AutoModelForCausalLM,
  BaseStreamer,
  env,
  Tensor,
  type PreTrainedModel,
  type TextStreamer,
} from '@huggingface/transformers'
import type { PeerMessage, PeerModel, PeerQuestion, PeerRequest } from './peer-messages.ts'

/** `self` of a dedicated worker, whose types cannot be loaded beside those of a page. */
const scope = globalThis as unknown as {
  postMessage(message: PeerMessage): void
  addEventListener(type: 'message', listener: (event: MessageEvent<PeerQuestion>) => void): void
}
let model: PreTrainedModel | undefined

async function load({ id, dtype, backend, threads }: PeerModel, models: string): Promise<void> {
  env.allowRemoteModels = false
  env.allowLocalModels = true
  env.localModelPath = models
  const wasm = env.backends.onnx.wasm
  if (!wasm) throw new Error('the library has no wasm')
  wasm.numThreads = threads
  // Its own file, emitted beside this one; it would take it from a CDN.
  delete wasm.wasmPaths
  env.useWasmCache = false
  model = await AutoModelForCausalLM.from_pretrained(id, {
    dtype: dtype as 'fp32' | 'q4',
    device: backend,
    local_files_only: true,
  })
}

/** Hands each step's tokens on; the library gives the prompt first. */
class TokenStreamer extends BaseStreamer {
  #isPrompt = true

  override put(value: bigint[][]): void {
    const isPrompt = this.#isPrompt
    this.#isPrompt = false
    if (!isPrompt) scope.postMessage({ kind: 'tokens', tokens: value.map((row) => Number(row.at(-1))) })
  }

  override end(): void {
    this.#isPrompt = true
  }
}

async function answer({ prompts, tokens }: PeerRequest): Promise<void> {
  if (!model) throw new Error('nothing is loaded')
  const dims = [prompts.length, prompts[0]?.length ?? 0]
  const ids = BigInt64Array.from(prompts.flat(), BigInt)
  await model.generate({
    input_ids: new Tensor('int64', ids, dims),
    attention_mask: new Tensor('int64', new BigInt64Array(ids.length).fill(1n), dims),
    max_new_tokens: tokens,
    min_new_tokens: tokens,
    do_sample: false,
    // Only `put` and `end` are called; the type asks for the one that writes text.
    streamer: new TokenStreamer() as BaseStreamer as TextStreamer,
  })
}

scope.addEventListener('message', ({ data }) => {
  if (data?.kind === 'load') void reply(load(data.model, data.models))
  if (data?.kind === 'answer') void reply(answer(data.request))
})

async function reply(work: Promise<void>): Promise<void> {
  try {
    await work
    scope.postMessage({ kind: 'done' })
  } catch (thrown) {
    scope.postMessage({ kind: 'failed', reason: String(thrown) })
  }
}
