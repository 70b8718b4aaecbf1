import type { Target } from './syntax.ts'
import { chatFault } from './template-error.ts'
import { Attributes, elementsOf, Undefined, type Value } from './values.ts'

/** The names that a part of a template sees. What it sets is seen by what it holds, not by what it is in. */
export class Scope {
  readonly #parent: Scope | undefined
  readonly #values: Map<string, Value>

  constructor(parent: Scope | undefined, values: Iterable<readonly [string, Value]> = []) {
    this.#parent = parent
    this.#values = new Map(values)
  }
  get(name: string): Value {
    const value = this.#values.get(name)
    if (value !== undefined) return value
    if (this.#parent) return this.#parent.get(name)
    return new Undefined(name)
  }
  /** Whether it is set here, whatever the scopes around say. */
  has(name: string): boolean {
    return this.#values.has(name)
  }
  set(name: string, value: Value): void {
    this.#values.set(name, value)
  }
  /** Sets a name, a namespace's attribute, or several names from as many elements. */
  assign(target: Target, value: Value): void {
    if (target.type === 'name') return this.set(target.name, value)
    if (target.type === 'attribute') {
      const holder = this.get(target.of)
      if (!(holder instanceof Attributes) || holder.kind !== 'namespace')
        throw chatFault(`${target.of} is no namespace`)
      holder.values.set(target.name, value)
      return
    }
    const elements = elementsOf(value)
    if (elements.length !== target.targets.length) throw chatFault('not as many values as names')
    for (const [i, one] of target.targets.entries()) this.assign(one, elements[i] ?? null)
  }
}
