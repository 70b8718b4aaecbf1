import type { Budget } from './budget.ts'
import { filter } from './filters.ts'
import type { FilterContext } from './filter-row.ts'
import { attributeOf, itemOf, sliceOf } from './members.ts'
import { negative } from './numbers.ts'
import { binary, isSo } from './operators.ts'
import { textOf } from './printing.ts'
import type { Scope } from './scope.ts'
import type { Arguments, Expression, FilterCall } from './syntax.ts'
import { chatFault } from './template-error.ts'
import { test } from './tests.ts'
import {
  Attributes,
  Dict,
  elementsOf,
  Func,
  isTrue,
  List,
  typeName,
  Undefined,
  type CallArguments,
  type Value,
} from './values.ts'

type Of<T extends Expression['type']> = Extract<Expression, { readonly type: T }>

/** Computes expressions within one rendering. */
export class Evaluator {
  readonly #context: FilterContext
  readonly #budget: Budget

  constructor(budget: Budget) {
    this.#budget = budget
    this.#context = {
      budget,
      filter: (name, value, given) => filter(name, value, given, this.#context),
      test: (name, value, given) => test(name, value, given, budget),
    }
  }

  evaluate(expression: Expression, scope: Scope): Value {
    this.#budget.spend(1)
    const of = (part: Expression): Value => this.evaluate(part, scope)
    switch (expression.type) {
      case 'constant':
        return expression.value
      case 'name':
        return scope.get(expression.name)
      case 'list':
      case 'tuple':
        return new List(expression.items.map(of), expression.type)
      case 'dict':
        return new Dict(expression.entries.map(([key, value]) => [of(key), of(value)]))
      case 'attribute':
        return attributeOf(of(expression.of), expression.name, this.#budget)
      case 'item':
        return itemOf(of(expression.of), of(expression.key), this.#budget)
      case 'slice':
        return this.#slice(expression, scope)
      case 'call':
        return this.call(of(expression.callee), this.arguments(expression.given, scope))
      case 'filter':
        return this.applyFilter(expression.filter, of(expression.of), scope)
      case 'test':
        return test(expression.name, of(expression.of), this.arguments(expression.given, scope), this.#budget)
      default:
        return this.#combine(expression, scope)
    }
  }

  #combine(
    expression: Of<
      'not' | 'negative' | 'positive' | 'and' | 'or' | 'binary' | 'concatenate' | 'compare' | 'choose'
    >,
    scope: Scope,
  ): Value {
    const of = (part: Expression): Value => this.evaluate(part, scope)
    switch (expression.type) {
      case 'not':
        return !isTrue(of(expression.of))
      case 'negative':
        return negative(of(expression.of))
      case 'positive':
        return negative(negative(of(expression.of)))
      case 'and':
      case 'or': {
        const left = of(expression.left)
        return isTrue(left) === (expression.type === 'and') ? of(expression.right) : left
      }
      case 'binary':
        return binary(expression.operator, of(expression.left), of(expression.right), this.#budget)
      case 'concatenate': {
        const parts = expression.parts.map((part) => textOf(of(part), this.#budget))
        this.#budget.spendText(parts.reduce((sum, part) => sum + part.length, 0))
        return parts.join('')
      }
      case 'compare':
        return this.#compare(expression, scope)
      case 'choose':
        if (isTrue(of(expression.condition))) return of(expression.then)
        return expression.otherwise ? of(expression.otherwise) : new Undefined('the other value of an if')
    }
  }

  #slice({ of, parts }: Of<'slice'>, scope: Scope): Value {
    const value = this.evaluate(of, scope)
    const bounds = parts.map((part) => (part ? this.evaluate(part, scope) : undefined))
    return sliceOf(value, bounds, this.#budget)
  }

  /** `a < b < c` is true where both are, as in Python. */
  #compare({ first, rest }: Of<'compare'>, scope: Scope): boolean {
    let left = this.evaluate(first, scope)
    for (const [comparison, expression] of rest) {
      const right = this.evaluate(expression, scope)
      if (!isSo(comparison, left, right, this.#budget)) return false
      left = right
    }
    return true
  }

  applyFilter({ name, given }: FilterCall, value: Value, scope: Scope): Value {
    return filter(name, value, this.arguments(given, scope), this.#context)
  }

  arguments({ positional, named, spread, spreadNamed }: Arguments, scope: Scope): CallArguments {
    const values = positional.map((one) => this.evaluate(one, scope))
    if (spread) values.push(...elementsOf(this.evaluate(spread, scope)))
    const byName = new Map(named.map(([name, one]) => [name, this.evaluate(one, scope)] as const))
    if (spreadNamed) {
      const more = this.evaluate(spreadNamed, scope)
      if (!(more instanceof Dict)) throw chatFault('** needs a dict')
      for (const [name, value] of more.pairs()) {
        if (typeof name !== 'string' || byName.has(name)) throw chatFault('an argument is given twice')
        byName.set(name, value)
      }
    }
    return { positional: values, named: byName }
  }

  call(callee: Value, given: CallArguments): Value {
    const call = callee instanceof Func || callee instanceof Attributes ? callee.call : undefined
    if (!call) throw chatFault(`${typeName(callee)} cannot be called`)
    return this.#budget.within(() => call(given))
  }
}
