import { InfernetError } from '../../errors/infernet-error.ts'
import type { Manifest } from '../../models/manifest.ts'
import type { FileView, ModelFiles } from '../../models/model-files.ts'
import { externalFiles, largestExternalBytes, type ExternalFile } from '../../models/onnx/external-weights.ts'
import { modelType } from '../../models/onnx/onnx-messages.ts'
import { pathBeside } from '../../models/weight-files.ts'

/** The files beside a graph, for as long as it is being started. */
export interface BesideFiles {
  readonly files: readonly ExternalFile[]
  close(): Promise<void>
}

/**
 * Opens the files beside a graph that hold its weights: those above 2 GB lie there, in files that it names
 * (`model.onnx_data`, `model.onnx_data_1`, or `model.onnx.data`).
 *
 * Where a file lies on disk it is not read here: ORT gets one weight of it at a time, all through one buffer as large
 * as the largest of them.
 *
 * @throws InfernetError `models.unsupported` when one is missing, and what the files throw
 */
export async function openBeside(
  files: ModelFiles,
  manifest: Manifest,
  weights: Uint8Array<ArrayBuffer>,
  signal: AbortSignal | undefined,
): Promise<BesideFiles> {
  const { graph } = modelType.decode(weights)
  const here = pathBeside(manifest.weights, '').length
  const named = files.paths.filter((path) => path.startsWith(`${manifest.weights}_data`))
  // Tensors of a branch are not looked through, so what has the usual name counts as well.
  const names = new Set([...(graph ? externalFiles(graph) : []), ...named.map((path) => path.slice(here))])
  const views: FileView[] = []
  const close = async (): Promise<void> => void (await Promise.all(views.map((view) => view.close())))
  const scratch = { largest: graph ? largestExternalBytes(graph) : 0, bytes: new Uint8Array(0) }
  const parts: ExternalFile[] = []
  try {
    for (const name of names) {
      const path = pathBeside(manifest.weights, name)
      if (!files.paths.includes(path))
        throw new InfernetError('models.unsupported', { reason: 'a file of its weights is missing' })
      const view = await files.view?.(path, { signal })
      if (view) views.push(view)
      parts.push({
        path: name,
        data: view ? new FileBytes(view, scratch) : await files.read(path, { signal }),
      })
    }
    return { files: parts, close }
  } catch (thrown) {
    await close()
    throw thrown
  }
}

interface Scratch {
  /** What is made at once when the first weight is read: to grow with each would leave the smaller ones behind. */
  readonly largest: number
  bytes: Uint8Array<ArrayBuffer>
}

/** Parts up to so many bytes are copies that stay; graphs are rewritten with them. */
const SMALL_BYTES = 4096

/**
 * A file on disk that ORT takes for the bytes of it. Of an external file it asks `byteLength` and `subarray`, and copies
 * the part away before it asks for the next (onnxruntime-web 1.30.0, `LoadDataFromJS`): so a part that is not small is
 * good until the next one.
 */
class FileBytes extends Uint8Array<ArrayBuffer> {
  readonly #view: FileView
  readonly #scratch: Scratch

  constructor(view: FileView, scratch: Scratch) {
    super(new ArrayBuffer(0))
    this.#view = view
    this.#scratch = scratch
    for (const name of ['byteLength', 'length']) Object.defineProperty(this, name, { value: view.size })
  }

  override subarray(start = 0, end = this.#view.size): Uint8Array<ArrayBuffer> {
    const length = Math.max(0, Math.min(end, this.#view.size) - start)
    const part = length <= SMALL_BYTES ? new Uint8Array(length) : this.#room(length)
    this.#view.readInto(start, part)
    return part
  }

  #room(length: number): Uint8Array<ArrayBuffer> {
    const scratch = this.#scratch
    if (scratch.bytes.length < length) scratch.bytes = new Uint8Array(Math.max(length, scratch.largest))
    return scratch.bytes.subarray(0, length)
  }
}
