/** To be imported before anything else: counts the bytes of every buffer that JavaScript makes in this thread. */

let bytes = 0
let largest = 0

/** All that was made until now, whether it is still there or not: no moment had more than this. */
export const allocatedBytes = (): number => bytes
export const largestBytes = (): number => largest

const BUFFERS = [
  'ArrayBuffer',
  'Uint8Array',
  'Int8Array',
  'Uint8ClampedArray',
  'Uint16Array',
  'Int16Array',
  'Uint32Array',
  'Int32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
] as const

type Counted = { readonly byteLength: number; readonly buffer?: ArrayBufferLike }
type Maker = new (...given: unknown[]) => Counted

const note = (made: Counted): void => {
  bytes += made.byteLength
  largest = Math.max(largest, made.byteLength)
}
const scope = globalThis as unknown as Record<(typeof BUFFERS)[number], Maker>

for (const name of BUFFERS) {
  const own = scope[name]
  const counting = new Proxy(own, {
    construct(target, given: unknown[], newTarget) {
      const made = Reflect.construct(target, given, newTarget as Maker)
      // A view of a buffer that was counted already is none.
      const [first] = given
      const isView = typeof first === 'object' && first !== null && made.buffer === first
      if (!isView) note(made)
      return made
    },
  })
  Object.defineProperty(scope, name, { value: counting, writable: true, configurable: true })
}

/** What copies without a constructor that can be seen from here. */
for (const prototype of [Object.getPrototypeOf(Uint8Array.prototype) as object, ArrayBuffer.prototype]) {
  const slice = Reflect.get(prototype, 'slice') as (...given: unknown[]) => Counted
  Object.defineProperty(prototype, 'slice', {
    value(this: unknown, ...given: unknown[]) {
      const made = Reflect.apply(slice, this, given)
      note(made)
      return made
    },
  })
}
for (const kind of [Blob, Response]) {
  const read: () => Promise<ArrayBuffer> = Reflect.get(kind.prototype as Blob, 'arrayBuffer')
  Object.defineProperty(kind.prototype, 'arrayBuffer', {
    async value(this: unknown) {
      const made = await Reflect.apply(read, this, [])
      note(made)
      return made
    },
  })
}
