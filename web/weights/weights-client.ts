import { errorFromMessage } from '#shared/errors/error-message.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { ManifestFile } from '#shared/models/manifest.ts'
import { PieceMap } from '#shared/models/store/piece-map.ts'
import type { PieceStore, PutOutcome } from '#shared/models/store/piece-store.ts'
import type { FullReason } from '#shared/models/store/store-device.ts'
import type { WeightsClientPort, WeightsQuestion, WeightsTable } from './weights-messages.ts'

/**
 * The page's side of {@link WeightsTable}: a store whose files a worker writes. Every tab has a worker of its own; they
 * share the files.
 *
 * @throws InfernetError from every method: what `FileStore` throws, and `models.store-lost` when the worker died
 */
export class WeightsClient implements PieceStore {
  readonly #port: WeightsClientPort
  readonly #waiting = new Map<number, PromiseWithResolvers<WeightsTable[WeightsQuestion]['out']>>()
  readonly #known = new WeakMap<ManifestFile, number>()
  #lastId = 0
  #lastNumber = 0
  #fullReason: FullReason | undefined
  #failure: InfernetError | undefined

  constructor(port: WeightsClientPort) {
    this.#port = port
    port.onMessage((message) => {
      const waiting = this.#waiting.get(message.id)
      this.#waiting.delete(message.id)
      if ('error' in message) waiting?.reject(errorFromMessage(message.error))
      else waiting?.resolve(message.body)
    })
  }

  get fullReason(): FullReason | undefined {
    return this.#fullReason
  }

  /** False where this browser keeps nothing: then nothing else may be asked. */
  isOpen(): Promise<boolean> {
    return this.#ask('open', undefined)
  }

  async held(file: ManifestFile): Promise<PieceMap> {
    const map = PieceMap.from(await this.#ask('held', { number: this.#number(file) }), file.pieces.length)
    if (!map) throw new InfernetError('internal', { reason: 'a map of another file' })
    return map
  }

  async put(file: ManifestFile, piece: number, bytes: Uint8Array<ArrayBuffer>): Promise<PutOutcome> {
    // A view of something larger goes over as a copy.
    const own = bytes.length === bytes.buffer.byteLength ? bytes : bytes.slice()
    const body = { number: this.#number(file), piece, bytes: own }
    const { outcome, fullReason } = await this.#ask('put', body, [own.buffer])
    this.#fullReason = fullReason
    return outcome
  }

  read(file: ManifestFile, piece: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#ask('read', { number: this.#number(file), piece })
  }

  /** As `FileStore.remove`. */
  async remove({ sha256 }: Pick<ManifestFile, 'sha256'>): Promise<void> {
    await this.#ask('remove', { sha256 })
  }

  /** As `FileStore.list`. */
  list(): Promise<WeightsTable['list']['out']> {
    return this.#ask('list', undefined)
  }

  /** For who has the worker to call when it died. */
  fail(error: InfernetError): void {
    this.#failure ??= error
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }

  #number(file: ManifestFile): number {
    const known = this.#known.get(file)
    if (known !== undefined) return known
    const number = ++this.#lastNumber
    this.#known.set(file, number)
    // A manifest in a page may be a proxy of its state, which no message carries.
    const plain = { path: file.path, size: file.size, sha256: file.sha256, pieces: [...file.pieces] }
    void this.#ask('know', { number, file: plain }).catch(() => undefined)
    return number
  }

  #ask<Name extends WeightsQuestion>(
    name: Name,
    body: WeightsTable[Name]['in'],
    transfer: ArrayBuffer[] = [],
  ): Promise<WeightsTable[Name]['out']> {
    if (this.#failure) return Promise.reject(this.#failure)
    const id = ++this.#lastId
    const question = Promise.withResolvers<WeightsTable[WeightsQuestion]['out']>()
    this.#waiting.set(id, question)
    // The pair of name and body is one row of the table, which TypeScript cannot see through the type parameter.
    this.#port.postMessage({ id, name, body } as Parameters<WeightsClientPort['postMessage']>[0], transfer)
    return question.promise
  }
}
