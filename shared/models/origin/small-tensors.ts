import { InfernetError } from '../../errors/infernet-error.ts'
import { SMALL_BYTES, smallPlaces, withTensorsInside, type TensorPlace } from '../onnx/external-weights.ts'
import type { OnnxGraph } from '../onnx/onnx-messages.ts'

interface Wanted {
  readonly start: number
  readonly bytes: Uint8Array<ArrayBuffer>
}

const keyOf = ({ file, start }: TensorPlace): string => `${start} ${file}`

/** Picks the small tensors that a graph needs out of the files beside it while those pass by. */
export class SmallTensors {
  readonly #graph: OnnxGraph
  readonly #wanted = new Map<string, Wanted>()
  readonly #byFile = new Map<string, Wanted[]>()

  /**
   * @param sizeOf a file beside the graph, in bytes; undefined where there is none
   * @throws InfernetError `models.corrupt` when a tensor points outside its file
   */
  constructor(graph: OnnxGraph, sizeOf: (file: string) => number | undefined) {
    this.#graph = graph
    for (const place of smallPlaces(graph)) {
      const size = sizeOf(place.file)
      if (size === undefined) continue
      const length = place.length ?? size - place.start
      const isInside = place.start >= 0 && length >= 0 && place.start + length <= size
      if (!isInside || length > SMALL_BYTES) throw new InfernetError('models.corrupt', { path: place.file })
      const wanted = { start: place.start, bytes: new Uint8Array(length) }
      this.#wanted.set(keyOf(place), wanted)
      this.#byFile.set(place.file, [...(this.#byFile.get(place.file) ?? []), wanted])
    }
  }

  /** A reader of one file from its beginning. */
  read(file: string): (chunk: Uint8Array) => void {
    const wanted = this.#byFile.get(file) ?? []
    let at = 0
    return (chunk) => {
      for (const { start, bytes } of wanted) {
        const from = Math.max(start, at)
        const end = Math.min(start + bytes.length, at + chunk.length)
        if (from < end) bytes.set(chunk.subarray(from - at, end - at), from - start)
      }
      at += chunk.length
    }
  }

  /** The graph with them inside. */
  inside(): OnnxGraph {
    return withTensorsInside(this.#graph, (place) => this.#wanted.get(keyOf(place))?.bytes)
  }
}
