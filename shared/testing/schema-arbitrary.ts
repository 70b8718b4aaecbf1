import fc from 'fast-check'

/** For the test of constrained answers: schemas of the part that is understood, and an independent reading of them. */
export type TestSchema = Readonly<Record<string, unknown>>

export const schemaArb: fc.Arbitrary<TestSchema> = fc.letrec<{ schema: TestSchema }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom<TestSchema>(
      { type: 'string' },
      { type: 'string', minLength: 1, maxLength: 5 },
      { type: 'number' },
      { type: 'integer' },
      { type: 'boolean' },
      { type: 'null' },
      { type: ['integer', 'null'] },
      { enum: ['red', 'green', 'grey', 3, null, { deep: [true] }] },
      { const: 'é "quoted" \n' },
      { title: 'anything with a bound', type: 'array', items: { type: 'integer' }, maxItems: 3 },
    ),
    fc
      .record({ least: fc.nat(2), more: fc.nat(2), items: tie('schema') })
      .map(({ least, more, items }) => ({ type: 'array', items, minItems: least, maxItems: least + more })),
    fc.array(tie('schema'), { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })),
    fc
      .record({
        properties: fc.dictionary(fc.string({ minLength: 1, maxLength: 6 }), tie('schema'), { maxKeys: 4 }),
        isRequired: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
      })
      .map(({ properties, isRequired }) => ({
        type: 'object',
        properties,
        required: Object.keys(properties).filter((_, i) => isRequired[i]),
        additionalProperties: false,
      })),
  ),
})).schema

/** What JSON Schema says of a value, for the keywords above. */
export function fits(schema: TestSchema, value: unknown): boolean {
  if (Array.isArray(schema['anyOf'])) return schema['anyOf'].some((each) => fits(each as TestSchema, value))
  if ('const' in schema) return isSame(schema['const'], value)
  if (Array.isArray(schema['enum'])) return schema['enum'].some((each) => isSame(each, value))
  const types = [schema['type']].flat()
  if (!types.some((type) => isOfType(type, value))) return false
  if (typeof value === 'string') {
    const length = [...value].length
    return length >= Number(schema['minLength'] ?? 0) && length <= Number(schema['maxLength'] ?? Infinity)
  }
  if (Array.isArray(value)) {
    const isCountRight =
      value.length >= Number(schema['minItems'] ?? 0) &&
      value.length <= Number(schema['maxItems'] ?? Infinity)
    return isCountRight && value.every((each) => fits(schema['items'] as TestSchema, each))
  }
  if (typeof value !== 'object' || value === null) return true
  const properties = schema['properties'] as Readonly<Record<string, TestSchema>>
  return (
    (schema['required'] as readonly string[]).every((name) => Object.hasOwn(value, name)) &&
    Object.entries(value).every(([name, each]) => {
      const its = Object.hasOwn(properties, name) ? properties[name] : undefined
      return its !== undefined && fits(its, each)
    })
  )
}

function isOfType(type: unknown, value: unknown): boolean {
  if (type === 'null') return value === null
  if (type === 'integer') return Number.isSafeInteger(value)
  if (type === 'number') return Number.isFinite(value)
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value)
  return typeof value === type
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
