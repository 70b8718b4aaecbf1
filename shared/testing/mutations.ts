import { decode as decodeCbor } from 'cborg'

type Path = readonly (string | number)[]

/** One field of a message, changed in one way: the message, and where. */
export interface Mutation {
  readonly path: string
  readonly changed: unknown
}

/** Every field of a message at any depth, changed one at a time in each way that its kind knows. */
export function* mutationsOf(message: Uint8Array): Generator<Mutation> {
  const whole: unknown = decodeCbor(message)
  for (const [path, value] of fieldsOf(whole))
    for (const [how, other] of othersOf(value))
      yield { path: `${path.join('.')} ${how}`, changed: put(whole, path, other) }
}

/** Left out. */
const GONE = Symbol('gone')

function* fieldsOf(value: unknown, path: Path = []): Generator<readonly [Path, unknown]> {
  if (path.length > 0) yield [path, value]
  if (Array.isArray(value)) {
    // Of many alike the first and the last say as much as all.
    const last = value.length - 1
    for (const [i, each] of value.entries()) if (i === 0 || i === last) yield* fieldsOf(each, [...path, i])
  } else if (isMap(value))
    for (const [name, each] of Object.entries(value)) yield* fieldsOf(each, [...path, name])
}

function* othersOf(value: unknown): Generator<readonly [string, unknown]> {
  yield ['left out', GONE]
  yield ['is null', null]
  if (value instanceof Uint8Array) {
    for (const at of new Set([0, value.length >> 1, value.length - 1]))
      if (value.length > 0) yield [`with byte ${at} changed`, value.with(at, (value[at] ?? 0) ^ 0x10)]
    yield ['cut short', value.subarray(0, -1)]
    yield ['longer', Uint8Array.of(...value, 0)]
    yield ['empty', new Uint8Array()]
    yield ['as text', 'bytes']
  } else if (typeof value === 'string') {
    yield ['changed', `${value.slice(0, -1)}${value.endsWith('x') ? 'y' : 'x'}`]
    yield ['empty', '']
  } else if (typeof value === 'number') {
    for (const other of [value + 1, value - 1, -value - 1, value + 0.5, Number.MAX_SAFE_INTEGER])
      yield [`is ${other}`, other]
  } else if (Array.isArray(value)) {
    const all: readonly unknown[] = value
    yield ['reversed', all.toReversed()]
    yield ['without its first', all.slice(1)]
    yield ['without its last', all.slice(0, -1)]
    yield ['with its first twice', [...all.slice(0, 1), ...all]]
    yield ['empty', []]
  } else if (isMap(value)) yield ['with another field', { ...value, more: 1 }]
}

function put(value: unknown, path: Path, other: unknown): unknown {
  const [first, ...rest] = path
  if (first === undefined) return other
  if (Array.isArray(value)) {
    const at = Number(first)
    const inner = put(value[at], rest, other)
    return inner === GONE ? value.toSpliced(at, 1) : value.with(at, inner)
  }
  const { [first]: inner, ...others } = value as Readonly<Record<string, unknown>>
  const changed = put(inner, rest, other)
  return changed === GONE ? others : { ...others, [first]: changed }
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  )
}
