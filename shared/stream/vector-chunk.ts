import type { PrivateKey } from '@libp2p/interface'
import { sha256 } from '@noble/hashes/sha2.js'
import { amountToBytes, equalBytes, fromHex } from '../base/bytes.ts'
import type { PeerName } from '../base/ids.ts'
import { baseUnits, tokens, type BaseUnits, type Tokens } from '../base/units.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { openSigned, sign, type Signed } from '../wire/signed.ts'
import { blocksOf, decodeVectors, type Block } from './blocks.ts'
import { amountDue, type ChainTerms } from './chunk.ts'
import { tokensOf, type EmbedQuestion } from './embed-question.ts'
import { firstLink, type AgreedHashes } from './first-link.ts'
import { vectorChunkSchema } from './messages.ts'

/** A signed block of vectors. */
export interface VectorChunk {
  readonly index: number
  /** Place in the question of the first text. */
  readonly position: number
  /** One for each text. */
  readonly vectors: readonly Float32Array[]
  readonly due: BaseUnits
  readonly signed: Signed
}

/** The provider's end of the chain of vectors: signs each block when its vectors are sent. */
export class VectorSigner {
  readonly #terms: ChainTerms
  readonly #key: PrivateKey
  #previous: Uint8Array
  #index = 0
  #read = 0

  constructor(terms: ChainTerms, agreed: AgreedHashes, key: PrivateKey) {
    this.#terms = terms
    this.#key = key
    this.#previous = firstLink(terms.jobId, agreed)
  }

  /** SHA-256 of the last chunk. */
  get head(): Uint8Array {
    return this.#previous
  }

  /** Chunks that were signed. */
  get count(): number {
    return this.#index
  }

  /** Tokens of the texts in them. */
  get read(): Tokens {
    return tokens(this.#read)
  }

  get due(): BaseUnits {
    return this.#index === 0 ? baseUnits(0n) : amountDue(this.#terms, this.read)
  }

  /** @param vectors as they travelled */
  async sign({ position, texts }: Block, vectors: Uint8Array): Promise<Signed> {
    this.#read += tokensOf(texts)
    const body = {
      jobId: fromHex(this.#terms.jobId),
      index: this.#index++,
      position,
      texts: texts.length,
      vectors: sha256(vectors),
      previous: this.#previous,
      due: amountToBytes(amountDue(this.#terms, this.read)),
    }
    const signed = await sign('vectors', body, this.#key)
    this.#previous = sha256(signed.body)
    return signed
  }
}

/**
 * The consumer's end: checks that each chunk is the provider's, follows the last one, and names what came in the frame
 * before it. Vectors count from then on, and not before.
 */
export class VectorVerifier {
  readonly #terms: ChainTerms
  readonly #provider: PeerName
  readonly #question: Pick<EmbedQuestion, 'texts' | 'dimensions'>
  readonly #blocks: readonly Block[]
  readonly #chunks: Signed[] = []
  #previous: Uint8Array | undefined
  #read = 0
  /** What came and is not signed yet. */
  #came: { readonly bytes: Uint8Array; readonly vectors: readonly Float32Array[] } | undefined

  constructor(terms: ChainTerms, provider: PeerName, question: Pick<EmbedQuestion, 'texts' | 'dimensions'>) {
    this.#terms = terms
    this.#provider = provider
    this.#question = question
    this.#blocks = blocksOf(question.texts, question.dimensions)
  }

  /** The provider took the job: from here on its chunks may come. */
  begin(agreed: AgreedHashes): void {
    this.#previous = firstLink(this.#terms.jobId, agreed)
  }

  get signed(): readonly Signed[] {
    return this.#chunks
  }

  get chunks(): number {
    return this.#chunks.length
  }

  /** Tokens of texts whose vectors are under a valid signature: what is owed for. */
  get signedTokens(): Tokens {
    return tokens(this.#read)
  }

  /** Those, and of what came since. */
  get received(): Tokens {
    return tokens(this.#read + (this.#came ? tokensOf(this.#next.texts) : 0))
  }

  /** Place in the question of the first text whose vector is not signed. */
  get position(): number {
    return this.#blocks[this.chunks]?.position ?? this.#question.texts.length
  }

  get isComplete(): boolean {
    return this.chunks === this.#blocks.length
  }

  get due(): BaseUnits {
    return this.chunks === 0 ? baseUnits(0n) : amountDue(this.#terms, this.signedTokens)
  }

  get head(): Uint8Array {
    return this.#previous ?? new Uint8Array()
  }

  /** @throws InfernetError `stream.bad-chunk` for vectors that are not those of the next block in form */
  streamed(position: number, bytes: Uint8Array): void {
    refuseUnless(!this.isComplete && !this.#came, 'too many')
    const { position: wanted, texts } = this.#next
    refuseUnless(position === wanted, 'position')
    const { dimensions } = this.#question
    const vectors = decodeVectors(bytes, { count: texts.length, dimensions })
    if (!vectors) throw new InfernetError('stream.bad-chunk', { reason: 'form' })
    this.#came = { bytes, vectors }
  }

  /** @throws InfernetError `wire.bad-signature`, `wire.malformed` or `stream.bad-chunk` with the reason */
  async accept(signed: Signed): Promise<VectorChunk> {
    const body = await openSigned('vectors', vectorChunkSchema, signed, this.#provider)
    const came = this.#came
    if (!came) throw new InfernetError('stream.bad-chunk', { reason: 'length' })
    const { position, texts } = this.#next
    const read = this.#read + tokensOf(texts)
    refuseUnless(body.jobId === this.#terms.jobId, 'job')
    refuseUnless(body.index === this.chunks, 'index')
    refuseUnless(this.#previous !== undefined && equalBytes(body.previous, this.#previous), 'chain')
    refuseUnless(body.position === position, 'position')
    refuseUnless(body.texts === texts.length, 'length')
    refuseUnless(equalBytes(body.vectors, sha256(came.bytes)), 'vectors')
    refuseUnless(body.due === amountDue(this.#terms, tokens(read)), 'amount')
    this.#read = read
    this.#came = undefined
    this.#chunks.push(signed)
    this.#previous = sha256(signed.body)
    return { index: body.index, position, vectors: came.vectors, due: body.due, signed }
  }

  get #next(): Block {
    return this.#blocks[this.chunks] ?? { position: this.#question.texts.length, texts: [] }
  }
}

function refuseUnless(holds: boolean, reason: string): void {
  if (!holds) throw new InfernetError('stream.bad-chunk', { reason })
}
