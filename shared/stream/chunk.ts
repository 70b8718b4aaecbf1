import type { PrivateKey } from '@libp2p/interface'
import { sha256 } from '@noble/hashes/sha2.js'
import { amountToBytes, equalBytes, fromHex } from '../base/bytes.ts'
import type { JobId, PeerName } from '../base/ids.ts'
import { baseUnits, tokens, type BaseUnits, type Tokens } from '../base/units.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { SKETCH_SIZE } from '../engine/score/sketch.ts'
import { costOf } from '../prompt/cost.ts'
import type { Price } from '../prompt/prompt.ts'
import { openSigned, sign, type Signed } from '../wire/signed.ts'
import { CHUNK_TOKENS } from './constants.ts'
import { firstLink, type AgreedHashes } from './first-link.ts'
import { chunkSchema } from './messages.ts'
import { sketchRoot } from './sketch-tree.ts'

/** What both sides of a job agree on before its first chunk. */
export interface ChainTerms {
  readonly jobId: JobId
  readonly price: Price
  /** Tokens that are read before the first one is written: the prompt and what another provider wrote. */
  readonly prefillTokens: Tokens
  /** Position in the answer where this job begins. */
  readonly from: number
}

/** A signed block of tokens. */
export interface Chunk {
  readonly index: number
  readonly tokens: readonly number[]
  readonly due: BaseUnits
  /** Commits to the sketches of the tokens; undefined where the provider did not. */
  readonly root: Uint8Array | undefined
  readonly signed: Signed
}

/** What is owed when `written` tokens have been written under these terms. */
export function amountDue({ price, prefillTokens }: ChainTerms, written: Tokens): BaseUnits {
  return costOf(price, prefillTokens, written)
}

/**
 * The provider's end of the chain: takes tokens, signs a chunk for the prefill and for each 32 of them. The prefill's
 * goes out with the first token, or with `accepted` when it was prepaid (see `credit.ts`).
 */
export class ChunkSigner {
  readonly #terms: ChainTerms
  readonly #key: PrivateKey
  readonly #secret: Uint8Array | undefined
  readonly #link: Uint8Array
  readonly #unsigned: { readonly token: number; readonly sketch: Uint16Array | undefined }[] = []
  readonly #sketches: (Uint16Array | undefined)[] = []
  #previous: Uint8Array
  #index = 0
  #written = 0

  /** @param secret with it each chunk commits to the sketches of its tokens. @default none does */
  constructor(terms: ChainTerms, agreed: AgreedHashes, key: PrivateKey, secret?: Uint8Array) {
    this.#terms = terms
    this.#key = key
    this.#secret = secret
    this.#link = this.#previous = firstLink(terms.jobId, agreed)
  }

  /** SHA-256 of the last chunk: what both sides put their names to in the end. */
  get head(): Uint8Array {
    return this.#previous
  }

  /** Chunks that were signed, the prefill's included. */
  get count(): number {
    return this.#index
  }

  /** What has been signed so far is owed. */
  get due(): BaseUnits {
    return this.#index === 0 ? baseUnits(0n) : amountDue(this.#terms, tokens(this.#written))
  }

  /** The chain's first link, and the sketches of all tokens that were signed; zeros for one that has none. */
  get committed(): { readonly link: Uint8Array; readonly sketches: Uint16Array } {
    return { link: this.#link, sketches: joinSketches(this.#sketches) }
  }

  /** Chunk 0 ahead of any token: what was prepaid is owed from now on. */
  async begin(): Promise<Signed> {
    if (this.#index > 0) throw new Error('chunk 0 is signed already')
    return this.#sign([])
  }

  /**
   * Takes tokens and gives the chunks that are full now, chunk 0 among them if there was none yet.
   *
   * @param sketches of all of them, or of none: a chunk with a token that has none commits to nothing
   */
  async add(written: readonly number[], sketches?: Uint16Array): Promise<Signed[]> {
    const chunks = this.#index === 0 ? [await this.begin()] : []
    const sketchAt = (i: number): Uint16Array | undefined => {
      const sketch = sketches?.subarray(i * SKETCH_SIZE, (i + 1) * SKETCH_SIZE)
      return sketch?.length === SKETCH_SIZE ? sketch : undefined
    }
    this.#unsigned.push(...written.map((token, i) => ({ token, sketch: sketchAt(i) })))
    while (this.#unsigned.length >= CHUNK_TOKENS)
      chunks.push(await this.#sign(this.#unsigned.splice(0, CHUNK_TOKENS)))
    return chunks
  }

  /** Signs what is left at the end of the answer. */
  async finish(): Promise<Signed[]> {
    return this.#unsigned.length > 0 ? [await this.#sign(this.#unsigned.splice(0))] : []
  }

  async #sign(
    part: readonly { readonly token: number; readonly sketch: Uint16Array | undefined }[],
  ): Promise<Signed> {
    const position = this.#terms.from + this.#written
    const sketches = part.flatMap(({ sketch }) => sketch ?? [])
    this.#sketches.push(...part.map(({ sketch }) => sketch))
    const isSketched = part.length > 0 && sketches.length === part.length
    const root =
      this.#secret && isSketched ? sketchRoot(this.#secret, joinSketches(sketches), position) : undefined
    this.#written += part.length
    const body = {
      jobId: fromHex(this.#terms.jobId),
      index: this.#index++,
      position,
      tokens: part.map(({ token }) => token),
      previous: this.#previous,
      due: amountToBytes(amountDue(this.#terms, tokens(this.#written))),
      ...(root && { root }),
    }
    const signed = await sign('chunk', body, this.#key)
    this.#previous = sha256(signed.body)
    return signed
  }
}

/** The consumer's end: checks that each chunk is the provider's, follows the last one and covers what was streamed. */
export class ChunkVerifier {
  readonly #terms: ChainTerms
  readonly #provider: PeerName
  readonly #streamed: number[] = []
  readonly #chunks: Signed[] = []
  #previous: Uint8Array | undefined
  #index = 0
  #written = 0

  constructor(terms: ChainTerms, provider: PeerName) {
    this.#terms = terms
    this.#provider = provider
  }

  /** The provider took the job: from here on its chunks may come. */
  begin(agreed: AgreedHashes): void {
    this.#previous = firstLink(this.#terms.jobId, agreed)
  }

  /** The exact bytes of the chunks that were accepted, chunk 0 first. */
  get signed(): readonly Signed[] {
    return this.#chunks
  }

  /** Tokens under a valid signature: what is owed for. */
  get signedTokens(): Tokens {
    return tokens(this.#written)
  }

  /** Chunks of tokens that were signed. */
  get chunks(): number {
    return Math.max(0, this.#index - 1)
  }

  get due(): BaseUnits {
    return this.#index === 0 ? baseUnits(0n) : amountDue(this.#terms, tokens(this.#written))
  }

  /** SHA-256 of the last chunk that was accepted, or the first link; empty before the job was taken. */
  get head(): Uint8Array {
    return this.#previous ?? new Uint8Array()
  }

  /** Remembers tokens as they were streamed, in order. */
  streamed(part: readonly number[]): void {
    this.#streamed.push(...part)
  }

  /**
   * Takes the next chunk.
   *
   * @throws InfernetError `wire.bad-signature`, `wire.malformed` or `stream.bad-chunk` with the reason.
   */
  async accept(signed: Signed): Promise<Chunk> {
    const body = await openSigned('chunk', chunkSchema, signed, this.#provider)
    const covered = this.#streamed.slice(0, body.tokens.length)
    refuseUnless(body.jobId === this.#terms.jobId, 'job')
    refuseUnless(body.index === this.#index, 'index')
    refuseUnless(this.#previous !== undefined && equalBytes(body.previous, this.#previous), 'chain')
    refuseUnless(body.position === this.#terms.from + this.#written, 'position')
    refuseUnless((body.index === 0) === (body.tokens.length === 0), 'length')
    refuseUnless(body.index > 0 || body.root === undefined, 'root')
    refuseUnless(
      covered.length === body.tokens.length && covered.every((id, i) => id === body.tokens[i]),
      'tokens',
    )
    refuseUnless(body.due === amountDue(this.#terms, tokens(this.#written + body.tokens.length)), 'amount')
    this.#streamed.splice(0, body.tokens.length)
    this.#written += body.tokens.length
    this.#index++
    this.#chunks.push(signed)
    this.#previous = sha256(signed.body)
    return { index: body.index, tokens: body.tokens, due: body.due, root: body.root, signed }
  }
}

function joinSketches(sketches: readonly (Uint16Array | undefined)[]): Uint16Array {
  const joined = new Uint16Array(sketches.length * SKETCH_SIZE)
  sketches.forEach((sketch, i) => sketch && joined.set(sketch, i * SKETCH_SIZE))
  return joined
}

function refuseUnless(holds: boolean, reason: string): void {
  if (!holds) throw new InfernetError('stream.bad-chunk', { reason })
}
