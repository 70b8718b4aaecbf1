import { InfernetError } from '../errors/infernet-error.ts'
import type { PeerName } from '../base/ids.ts'
import { createTextTokenizer, type TextTokenizer } from '../engine/tokenizer/text-tokenizer.ts'
import { hashManifest, type Manifest } from '../models/manifest.ts'
import { readJson, type ModelFiles } from '../models/model-files.ts'
import { ENCODING } from '../models/task.ts'
import {
  MAX_EMBED_REQUEST_TEXTS,
  type EmbedEvent,
  type EmbedRequest,
  type EmbedSummary,
  type Peer,
} from '../peer/peer.ts'
import type { Payer } from '../peer/payer.ts'

/** The files of a model that its texts are read with. */
const TEXT_TOKENIZER_FILES = ['tokenizer.json', 'tokenizer_config.json'] as const

/** No token of any vocabulary stands for more characters: a longer text is too long without a look at it. */
const MAX_CHARACTERS_PER_TOKEN = 256

export interface EmbedTextsComponents {
  readonly peer: Pick<Peer, 'embed'>
  /** The model's own: {@link readTextTokenizer}. */
  readonly tokenizer: Pick<TextTokenizer, 'encode'>
}

export interface EmbedTextsOptions extends Partial<Pick<EmbedRequest, 'maxPromptPrice' | 'maxCost'>> {
  /** Who is not asked. */
  readonly except?: readonly PeerName[]
  /** Who pays; without one only those are asked that work for nothing. */
  readonly payer?: Payer | undefined
  readonly signal?: AbortSignal | undefined
  /** Told of everything on the way, the proofs among it. */
  readonly onEvent?: ((event: EmbedEvent) => void) | undefined
}

export interface EmbeddedTexts {
  /** One for each text, in their order; as many numbers each as the manifest says. */
  readonly vectors: readonly Float32Array[]
  /** Tokens of each text, counted here. */
  readonly tokens: readonly number[]
  readonly summary: EmbedSummary
}

/**
 * The tokenizer of an encoder, from its checked files.
 *
 * @throws InfernetError `models.*`
 */
export async function readTextTokenizer(files: ModelFiles): Promise<TextTokenizer> {
  const [tokenizer, config] = TEXT_TOKENIZER_FILES
  return createTextTokenizer({
    tokenizerJson: await readJson(files, tokenizer),
    tokenizerConfig: await readJson(files, config),
  })
}

/**
 * Turns texts into vectors by the network: text in, vectors out.
 *
 * Nothing is cut off: a text that the model cannot read whole is refused before anybody is asked.
 *
 * @throws InfernetError `engine.other-task` for a model that is no encoder, `prompt.too-long` and `prompt.bad-parameters`
 *   with the place of the text, and what `Peer.embed` throws
 *
 * @example
 * const { vectors } = await embedTexts({ peer, tokenizer }, manifest, ['A man is eating food.'])
 */
export async function embedTexts(
  { peer, tokenizer }: EmbedTextsComponents,
  manifest: Manifest,
  texts: readonly string[],
  { maxPromptPrice, maxCost, except, payer, signal, onEvent }: EmbedTextsOptions = {},
): Promise<EmbeddedTexts> {
  const { task, encoder } = manifest
  if (task !== ENCODING || !encoder) throw new InfernetError('engine.other-task', { task })
  if (texts.length > MAX_EMBED_REQUEST_TEXTS)
    throw new InfernetError('prompt.bad-parameters', { parameter: 'texts' })
  const encoded = texts.map((text, place) => encodeText(tokenizer, text, { place, manifest }))
  const request = { model: hashManifest(manifest), texts: encoded, dimensions: encoder.dimensions }
  const vectors: Float32Array[] = []
  let summary: EmbedSummary | undefined
  const options = { ...(except && { except }), ...(signal && { signal }), payer }
  for await (const event of peer.embed({ ...request, maxPromptPrice, maxCost }, options)) {
    if (event.type === 'vectors') vectors.push(...event.vectors)
    if (event.type === 'done') summary = event.summary
    onEvent?.(event)
  }
  if (!summary) throw new InfernetError('stream.cancelled')
  return { vectors, tokens: encoded.map(({ length }) => length), summary }
}

function encodeText(
  tokenizer: Pick<TextTokenizer, 'encode'>,
  text: string,
  { place, manifest: { contextLength } }: { place: number; manifest: Manifest },
): readonly number[] {
  const least = Math.ceil(text.length / MAX_CHARACTERS_PER_TOKEN)
  const tokens = least > contextLength ? undefined : tokenizer.encode(text)
  const count = tokens?.length ?? least
  if (!tokens || count > contextLength)
    throw new InfernetError('prompt.too-long', { tokens: count, maxTokens: contextLength, text: place })
  if (count === 0) throw new InfernetError('prompt.bad-parameters', { parameter: `texts[${place}]` })
  return tokens
}
