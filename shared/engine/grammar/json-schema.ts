import { hasCode } from '../../errors/infernet-error.ts'
import { literal } from './byte-sets.ts'
import { isReference, KEYWORDS, keywordRefused, MAX_DEPTH, SchemaText } from './flatten-schema.ts'
import { nested, type JsonRules } from './json-rules.ts'
import { integersWithin, numbersWithin, wholeBounds, type NumberBounds } from './number-range.ts'
import { addPattern } from './pattern.ts'
import { badGrammar, type GrammarBuilder, type Piece, type Sequence } from './program.ts'
import {
  isObject,
  listOf,
  mergeFlats,
  propertiesOf,
  type Choice,
  type Flat,
  type Schema,
} from './schema-merge.ts'
import { areApart } from './schema-overlap.ts'
import { tree } from './text-tree.ts'

const MAX_PROPERTIES = 256
/** Of minItems and minLength; a longer bound above is as good as this one, since no answer is so long. */
const MAX_COUNT = 16_384
/** Schemas that are gone through and compared: choices within choices multiply. */
const MAX_STEPS = 20_000
/** Multiples within bounds that are listed one by one. */
const MAX_MULTIPLES = 1024

/**
 * Adds the rules of a JSON schema. GRAMMAR.md says which part of JSON Schema is understood; what is not is refused, so
 * that an answer that fits the rules fits the schema.
 *
 * @throws InfernetError `engine.bad-grammar`, naming the keyword where one is not understood, and where it stands
 */
export function addSchema(builder: GrammarBuilder, json: JsonRules, text: string): Piece {
  return new SchemaRules(builder, json, new SchemaText(text)).whole()
}

class SchemaRules {
  readonly #builder: GrammarBuilder
  readonly #json: JsonRules
  readonly #text: SchemaText
  readonly #references = new Map<string, Piece>()
  #steps = 0

  constructor(builder: GrammarBuilder, json: JsonRules, text: SchemaText) {
    this.#builder = builder
    this.#json = json
    this.#text = text
  }

  whole(): Piece {
    return this.#compile(this.#text.root)
  }

  #compile(schema: unknown, depth = 0): Piece {
    this.#step()
    return this.#text.at(schema, () => {
      if (depth > MAX_DEPTH) throw badGrammar('too-deep')
      if (isObject(schema) && isReference(schema)) return this.#resolve(schema['$ref'])
      return this.#ofFlat(this.#text.flatten(schema), depth)
    })
  }

  #resolve(reference: unknown): Piece {
    const target = this.#text.target(reference)
    const known = this.#references.get(String(reference))
    if (known) return known
    const rule = this.#builder.declare()
    this.#references.set(String(reference), { rule })
    this.#builder.define(rule, [[this.#compile(target)]])
    return { rule }
  }

  #ofFlat({ base, choices }: Flat, depth: number): Piece {
    const [choice, ...rest] = choices
    if (!choice) return this.#ofBase(base, depth)
    if (depth > MAX_DEPTH) throw badGrammar('too-deep')
    const around: Flat = { base, choices: rest }
    if (choice.isExclusive) this.#expectApart(choice, around)
    // Alone, each keeps its own rule, so that it may refer to itself.
    const isAlone = Object.keys(base).length === 0 && rest.length === 0
    return this.#firstOf(choice.schemas, (each) =>
      isAlone ? this.#compile(each, depth + 1) : this.#ofFlat(this.#within(around, each), depth + 1),
    )
  }

  #within(around: Flat, schema: unknown): Flat {
    this.#step()
    return this.#text.at(schema, () => mergeFlats(around, this.#text.flatten(schema), keywordRefused))
  }

  /** Those that nothing fits are left out. */
  #firstOf<T>(all: readonly T[], compile: (each: T) => Piece): Piece {
    const fitting = all.flatMap((each): Sequence[] => {
      const piece = unlessNothingFits(() => compile(each))
      return piece ? [[piece]] : []
    })
    if (fitting.length === 0) throw badGrammar('nothing-fits')
    return this.#builder.rule(...fitting)
  }

  /** What fits one of `oneOf` may fit no other; where that is not certain, it is refused. */
  #expectApart({ schemas, owner }: Choice, around: Flat): void {
    const flatten = (schema: unknown): Flat | undefined => {
      this.#step()
      return unlessNothingFits(() => this.#text.flatten(schema))
    }
    const flats = schemas.flatMap((schema) => {
      const flat = unlessNothingFits(() => this.#within(around, schema))
      return flat ? [flat] : []
    })
    for (const [i, a] of flats.entries())
      for (const b of flats.slice(i + 1)) {
        this.#step()
        if (!areApart(a, b, flatten)) this.#text.at(owner, () => refuse('oneOf'))
      }
  }

  #ofBase(base: Schema, depth: number): Piece {
    if ('enum' in base) return this.#constants(base)
    const asked = Object.keys(KEYWORDS).filter((type) => KEYWORDS[type]?.some((name) => name in base))
    const types =
      'type' in base ? listOf(base['type']).map(String) : asked.filter((type) => type !== 'integer')
    if (types.length === 0) return this.#json.any
    return this.#firstOf(types, (type) => this.#ofType(base, type, depth))
  }

  #ofType(base: Schema, type: string, depth: number): Piece {
    switch (type) {
      case 'object':
        return this.#object(base, depth)
      case 'array':
        return this.#array(base, depth)
      case 'string':
        return this.#string(base)
      case 'number':
      case 'integer':
        return this.#number(base, type)
      case 'boolean':
        return this.#builder.rule(literal('true'), literal('false'))
      default:
        return this.#builder.rule(literal('null'))
    }
  }

  #string(base: Schema): Piece {
    const [least, most] = countsOf(base, 'minLength', 'maxLength')
    const { pattern } = base
    if (pattern === undefined) return this.#json.stringOf(least, most)
    if (typeof pattern !== 'string') throw badGrammar('syntax')
    const inside = addPattern(this.#builder, this.#json.character, pattern)
    // Counting characters is one machine and the pattern another.
    const isCounted = inside && inside.least >= least && inside.most <= (most ?? Infinity)
    if (!isCounted) throw keywordRefused('pattern')
    return this.#builder.rule([...literal('"'), ...inside.sequence, ...literal('"')])
  }

  #number(base: Schema, type: 'number' | 'integer'): Piece {
    const bounds = boundsOf(base)
    const { multipleOf } = base
    const isWhole = type === 'integer' || multipleOf === 1
    if (multipleOf !== undefined && multipleOf !== 1) return this.#multiples(bounds, Number(multipleOf))
    if (bounds.least === undefined && bounds.most === undefined)
      return isWhole ? this.#json.integer : this.#json.number
    return (isWhole ? integersWithin : numbersWithin)(this.#builder, bounds)
  }

  #multiples(bounds: NumberBounds, factor: number): Piece {
    const [least, most] = wholeBounds(bounds)
    const first = Math.ceil(least / factor)
    const count = Math.floor(most / factor) - first + 1
    if (!Number.isInteger(factor) || factor < 1 || count > MAX_MULTIPLES) throw keywordRefused('multipleOf')
    if (count < 1) throw badGrammar('nothing-fits')
    return tree(
      this.#builder,
      Array.from({ length: count }, (_, i) => String((first + i) * factor)),
    )
  }

  #array(base: Schema, depth: number): Piece {
    const [least, most] = countsOf(base, 'minItems', 'maxItems')
    if (base['uniqueItems'] === true && (most ?? Infinity) > 1) throw keywordRefused('uniqueItems')
    const { items, prefixItems } = base
    if (!prefixItems) {
      const item =
        items === undefined ? this.#json.any : unlessNothingFits(() => this.#compile(items, depth + 1))
      if (item) return this.#json.arrayOf(item, least, most)
      return this.#json.tupleOf([], undefined, atMost(least, 0), 0)
    }
    const first: Piece[] = []
    for (const schema of listOf(prefixItems)) {
      const piece = unlessNothingFits(() => this.#compile(schema, depth + 1))
      if (!piece) return this.#json.tupleOf(first, undefined, atMost(least, first.length), most)
      first.push(piece)
    }
    // As with the names of an object: what is not listed is not written, unless the schema needs it.
    const isOpen = items !== undefined || least > first.length
    const rest = isOpen ? unlessNothingFits(() => this.#compile(items ?? true, depth + 1)) : undefined
    return this.#json.tupleOf(first, rest, rest ? least : atMost(least, first.length), most)
  }

  #object(base: Schema, depth: number): Piece {
    const { gap } = this.#json
    const required = new Set(listOf(base['required'] ?? []).map(String))
    const others = base['additionalProperties'] ?? true
    const listed = new Map(Object.entries(propertiesOf(base)))
    for (const name of required) if (!listed.has(name)) listed.set(name, others)
    if (listed.size > MAX_PROPERTIES) throw badGrammar('too-large')
    const isClosed = listed.size > 0 || others === false
    checkCounts(base, required.size, isClosed ? listed.size : Infinity)
    if (!isClosed) return this.#map(base, others, depth)
    if (others !== true && others !== false) unlessNothingFits(() => this.#compile(others, depth + 1))
    this.#checkNames(base)
    const pairs = [...listed].flatMap(([name, schema]) => {
      const isRequired = required.has(name)
      const compile = (): Piece => this.#compile(schema, depth + 1)
      const value = isRequired ? compile() : unlessNothingFits(compile)
      if (!value) return []
      const key = [...literal(write(name)), ...literal(':'), gap]
      return [{ isRequired, pair: this.#builder.rule([...key, nested(value), gap]) }]
    })
    return this.#builder.rule([...literal('{'), gap, this.#members(pairs), ...literal('}')])
  }

  #map({ propertyNames }: Schema, others: unknown, depth: number): Piece {
    const value = this.#compile(others, depth + 1)
    if (propertyNames === undefined) return this.#json.mapOf(value)
    const name = { allOf: [{ type: 'string' }, propertyNames] }
    return this.#json.mapOf(value, this.#compile(name, depth + 1))
  }

  /** Names that are listed are strings; what else is asked of names is not looked at. */
  #checkNames({ propertyNames }: Schema): void {
    if (propertyNames === undefined) return
    const { base, choices } = this.#text.flatten(propertyNames)
    const { type = ['string'], ...more } = base
    const isOpen = choices.length === 0 && Object.keys(more).length === 0 && listOf(type).includes('string')
    if (!isOpen) throw keywordRefused('propertyNames')
  }

  /** The pairs in their order, those that are not required left out or not, with commas between those that are there. */
  #members(pairs: readonly { readonly isRequired: boolean; readonly pair: Piece }[]): Piece {
    const comma: Sequence = [...literal(','), this.#json.gap]
    let first: Piece = this.#builder.rule([])
    let later: Piece = this.#builder.rule([])
    for (const { isRequired, pair } of pairs.toReversed()) {
      const skipFirst: readonly Sequence[] = isRequired ? [] : [[first]]
      const skipLater: readonly Sequence[] = isRequired ? [] : [[later]]
      first = this.#builder.rule([pair, later], ...skipFirst)
      later = this.#builder.rule([...comma, pair, later], ...skipLater)
    }
    return first
  }

  #constants(base: Schema): Piece {
    const fitting = listOf(base['enum']).filter((value) => isFitting(base, value))
    if (fitting.length === 0) throw badGrammar('nothing-fits')
    return tree(this.#builder, [...new Set(fitting.map(write))])
  }

  #step(): void {
    if (++this.#steps > MAX_STEPS) throw badGrammar('too-large')
  }
}

function refuse(keyword: string): never {
  throw keywordRefused(keyword)
}

/** Undefined where nothing fits, which is no fault of a choice with others beside it. */
function unlessNothingFits<T>(compile: () => T): T | undefined {
  try {
    return compile()
  } catch (error) {
    if (hasCode(error, 'engine.bad-grammar') && error.facts['reason'] === 'nothing-fits') return undefined
    throw error
  }
}

/** Whether a listed value fits the keywords beside the list. */
function isFitting(base: Schema, value: unknown): boolean {
  const types = 'type' in base ? listOf(base['type']).map(String) : undefined
  if (types && !types.some((type) => isOfType(value, type))) return false
  const own = Array.isArray(value) ? KEYWORDS['array'] : isObject(value) ? KEYWORDS['object'] : []
  for (const name of [...(own ?? []), ...(typeof value === 'string' ? ['pattern'] : [])])
    if (name in base) throw keywordRefused(name)
  if (typeof value === 'string') {
    const [least, most = Infinity] = countsOf(base, 'minLength', 'maxLength')
    return [...value].length >= least && [...value].length <= most
  }
  if (typeof value !== 'number') return true
  const { least = -Infinity, most = Infinity, isLeastExcluded, isMostExcluded } = boundsOf(base)
  if ('multipleOf' in base && value % Number(base['multipleOf']) !== 0) return false
  return (isLeastExcluded ? value > least : value >= least) && (isMostExcluded ? value < most : value <= most)
}

function boundsOf(base: Schema): NumberBounds {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = base as Readonly<
    Record<string, number | undefined>
  >
  const isLeastExcluded = exclusiveMinimum !== undefined && exclusiveMinimum >= (minimum ?? -Infinity)
  const isMostExcluded = exclusiveMaximum !== undefined && exclusiveMaximum <= (maximum ?? Infinity)
  return {
    least: isLeastExcluded ? exclusiveMinimum : minimum,
    isLeastExcluded,
    most: isMostExcluded ? exclusiveMaximum : maximum,
    isMostExcluded,
  }
}

/** How many names there are is not counted: it must follow from those that are listed. */
function checkCounts(base: Schema, least: number, most: number): void {
  const { minProperties = 0, maxProperties = Infinity } = base as Readonly<Record<string, number | undefined>>
  if (maxProperties < least || minProperties > most) throw badGrammar('nothing-fits')
  if (minProperties > least) throw keywordRefused('minProperties')
  if (maxProperties < most) throw keywordRefused('maxProperties')
}

function atMost(least: number, most: number): number {
  if (least > most) throw badGrammar('nothing-fits')
  return least
}

/** As JSON without gaps. A number beyond all bounds, as 1e999, would become `null`. */
function write(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => {
    if (each === Infinity || each === -Infinity) throw badGrammar('nothing-fits')
    return each
  })
}

function isOfType(value: unknown, type: string): boolean {
  if (type === 'null') return value === null
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return isObject(value)
  if (type === 'integer') return Number.isInteger(value)
  return typeof value === type
}

function countsOf(
  base: Schema,
  leastName: string,
  mostName: string,
): [least: number, most: number | undefined] {
  const { [leastName]: least = 0, [mostName]: most } = base as Readonly<Record<string, number | undefined>>
  if (least > MAX_COUNT) throw badGrammar('too-large')
  if (least > (most ?? Infinity)) throw badGrammar('nothing-fits')
  return [least, most === undefined ? undefined : Math.min(most, MAX_COUNT)]
}
