import { listOf, propertiesOf, type Flat, type Schema } from './schema-merge.ts'

/** How deep properties are compared: a discriminator stands near the top. */
const MAX_DEPTH = 3

/**
 * Whether it is certain that no value that is written for one schema fits the other, which is what `oneOf` asks for. An
 * object is written with the listed names alone, and with all that are required.
 *
 * @param flatten gives a schema's keywords without references
 */
export function areApart(
  a: Flat,
  b: Flat,
  flatten: (schema: unknown) => Flat | undefined,
  depth = 0,
): boolean {
  const split = (one: Flat, other: Flat): boolean =>
    one.choices.some(({ schemas }) =>
      schemas.every((schema) => {
        const each = flatten(schema)
        return !each || areApart(each, other, flatten, depth + 1)
      }),
    )
  if (depth > MAX_DEPTH) return false
  return areBasesApart(a.base, b.base, flatten, depth) || split(a, b) || split(b, a)
}

function areBasesApart(
  a: Schema,
  b: Schema,
  flatten: (schema: unknown) => Flat | undefined,
  depth: number,
): boolean {
  const [typesA, typesB] = [kindsOf(a), kindsOf(b)]
  const common = typesA.filter((type) => typesB.includes(type))
  if (common.length === 0) return true
  const [valuesA, valuesB] = [textsOf(a), textsOf(b)]
  if (valuesA && valuesB) return !valuesA.some((value) => valuesB.includes(value))
  if (common.length > 1) return false
  if (common[0] === 'number') return areRangesApart(a, b) || areRangesApart(b, a)
  if (common[0] !== 'object' || valuesA || valuesB) return false
  const [listA, listB] = [propertiesOf(a), propertiesOf(b)]
  const [needA, needB] = [namesOf(a), namesOf(b)]
  const differ = [...new Set([...needA, ...needB])].some((name) => {
    if (!Object.hasOwn(listA, name) || !Object.hasOwn(listB, name)) return false
    const [one, other] = [flatten(listA[name]), flatten(listB[name])]
    return !one || !other || areApart(one, other, flatten, depth + 1)
  })
  return differ || (neverFits(a, listA, needA, b) && neverFits(b, listB, needB, a))
}

/** Whether objects as they are written for the one schema never fit the other. */
function neverFits(one: Schema, listed: Schema, needed: readonly string[], other: Schema): boolean {
  const isListed =
    Object.keys(listed).length > 0 || needed.length > 0 || one['additionalProperties'] === false
  const may = new Set([...Object.keys(listed), ...needed])
  if (isListed && namesOf(other).some((name) => !may.has(name))) return true
  if (other['additionalProperties'] !== false) return false
  return needed.some((name) => !Object.hasOwn(propertiesOf(other), name))
}

function namesOf(schema: Schema): readonly string[] {
  return listOf(schema['required'] ?? []).map(String)
}

/** Whole numbers are numbers here. */
function kindsOf(schema: Schema): readonly string[] {
  if ('enum' in schema) return [...new Set(listOf(schema['enum']).map(kindOf))]
  const all = ['object', 'array', 'string', 'number', 'boolean', 'null']
  const types = 'type' in schema ? [schema['type']].flat().map(String) : all
  return [...new Set(types.map((type) => (type === 'integer' ? 'number' : type)))]
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
}

function textsOf(schema: Schema): readonly string[] | undefined {
  return 'enum' in schema ? listOf(schema['enum']).map((value) => JSON.stringify(value)) : undefined
}

function areRangesApart(low: Schema, high: Schema): boolean {
  const most = Math.min(...['maximum', 'exclusiveMaximum'].map((name) => Number(low[name] ?? Infinity)))
  const least = Math.max(...['minimum', 'exclusiveMinimum'].map((name) => Number(high[name] ?? -Infinity)))
  const isEdgeOpen = low['exclusiveMaximum'] === most || high['exclusiveMinimum'] === least
  return most < least || (most === least && isEdgeOpen)
}
