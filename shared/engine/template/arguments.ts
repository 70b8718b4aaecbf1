import { chatFault } from './template-error.ts'
import { isTrue, typeName, type CallArguments, type Value } from './values.ts'
import { wholeOf } from './numbers.ts'

/**
 * Reads the arguments of a call by place or by name, as Python does it.
 *
 * @throws TemplateError for more of them than `names`, and for one of another name
 */
export class Given {
  readonly #values: ReadonlyMap<string, Value>

  constructor(what: string, { positional, named }: CallArguments, names: readonly string[]) {
    if (positional.length > names.length) throw chatFault(`${what} takes ${names.length} arguments`)
    const values = new Map(positional.map((value, i) => [names[i] ?? '', value] as const))
    for (const [name, value] of named) {
      if (!names.includes(name) || values.has(name)) throw chatFault(`${what} has no argument ${name}`)
      values.set(name, value)
    }
    this.#values = values
  }
  has(name: string): boolean {
    return this.#values.has(name)
  }
  get(name: string): Value | undefined {
    return this.#values.get(name)
  }
  need(name: string): Value {
    const value = this.#values.get(name)
    if (value === undefined) throw chatFault(`the argument ${name} is missing`)
    return value
  }
  text(name: string): string {
    const value = this.need(name)
    if (typeof value !== 'string') throw chatFault(`${name} must be a text, not ${typeName(value)}`)
    return value
  }
  /** Undefined where it is missing or `none`. */
  maybeText(name: string): string | undefined {
    return (this.#values.get(name) ?? null) === null ? undefined : this.text(name)
  }
  whole(name: string, otherwise: number): number {
    const value = this.#values.get(name)
    return value === undefined ? otherwise : wholeOf(value, name)
  }
  flag(name: string): boolean {
    return isTrue(this.#values.get(name) ?? false)
  }
}
