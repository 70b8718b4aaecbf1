import type { OrtRuntime, OrtTensor } from '../ort-runtime.ts'
import type { GraphLayout, PastTensor } from './graph-layout.ts'

/** One sequence's place among the bundles. */
export interface RowOwner {
  length: number
  bundle: RowBundle | undefined
  row: number
}

/**
 * The KV caches of some sequences side by side: one tensor [rows, heads, width, head size] for each name of the
 * layout's past. A row holds `length` tokens of its sequence and padding to its right, which nobody reads. A row whose
 * sequence has left is a hole.
 */
export interface RowBundle {
  tensors: Record<string, OrtTensor>
  readonly owners: (RowOwner | undefined)[]
}

/** An empty cache of one row; ORT takes a past of length 0 for the first read. */
export function emptyBundle(ort: OrtRuntime, layout: GraphLayout, owner: RowOwner): RowBundle {
  const tensors = layout.past.map((past) => [past.input, createPast(ort, past, 1, 0)] as const)
  return { tensors: Object.fromEntries(tensors), owners: [owner] }
}

/**
 * A bundle that holds all of `owners` and at most `maxRows` rows, holes and others included: the one they are in, if it
 * will do, because moving rows copies their caches.
 */
export function bundleOf(
  ort: OrtRuntime,
  layout: GraphLayout,
  owners: readonly RowOwner[],
  maxRows: number,
): RowBundle {
  const present = owners[0]?.bundle
  const together = present !== undefined && owners.every(({ bundle }) => bundle === present)
  if (together && present.owners.length <= maxRows) return present
  const width = Math.max(...owners.map(({ length }) => length))
  const tensors: Record<string, OrtTensor> = {}
  for (const past of layout.past) {
    const packed = createPast(ort, past, owners.length, width)
    owners.forEach((owner, row) => copyRow(past, owner, packed, row))
    tensors[past.input] = packed
  }
  const bundle: RowBundle = { tensors, owners: [...owners] }
  owners.forEach((owner, row) => {
    leaveBundle(owner)
    owner.bundle = bundle
    owner.row = row
  })
  return bundle
}

/** Gives up a sequence's row. The last one to leave frees the tensors, wherever they lie. */
export function leaveBundle(owner: RowOwner): void {
  const { bundle, row } = owner
  if (!bundle) return
  owner.bundle = undefined
  bundle.owners[row] = undefined
  if (bundle.owners.some((other) => other !== undefined)) return
  disposeAll(bundle.tensors)
}

/** Nothing else frees a GPU buffer: an undisposed tensor is lost memory until the device dies. */
export function disposeAll(tensors: Readonly<Record<string, OrtTensor>>): void {
  for (const tensor of Object.values(tensors)) tensor.dispose()
}

function createPast(ort: OrtRuntime, past: PastTensor, rows: number, width: number): OrtTensor {
  const dims = [rows, past.heads, width, past.headDim]
  const size = rows * past.heads * width * past.headDim
  return past.type === 'float32'
    ? new ort.Tensor('float32', new Float32Array(size), dims)
    : new ort.Tensor('float16', new Uint16Array(size), dims)
}

function copyRow({ input, heads, headDim }: PastTensor, owner: RowOwner, to: OrtTensor, row: number): void {
  const from = owner.bundle?.tensors[input]
  if (!from || owner.length === 0) return
  const source = wordsOf(from)
  const target = wordsOf(to)
  const [sourceWidth, targetWidth] = [from.dims[2] ?? 0, to.dims[2] ?? 0]
  for (let head = 0; head < heads; head++) {
    const start = (owner.row * heads + head) * sourceWidth * headDim
    const part = source.subarray(start, start + owner.length * headDim)
    target.set(part, (row * heads + head) * targetWidth * headDim)
  }
}

/** The bits of a cache; halves come as Float16Array where there is one and are moved as words. */
function wordsOf({ data }: OrtTensor): Float32Array | Uint16Array {
  if (data instanceof Float32Array || data instanceof Uint16Array) return data
  const { buffer, byteOffset, byteLength } = data as unknown as Uint16Array
  return new Uint16Array(buffer, byteOffset, byteLength / 2)
}
