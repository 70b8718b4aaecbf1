import { Budget } from './budget.ts'
import { Evaluator } from './evaluate.ts'
import { globals } from './globals.ts'
import { loopOf, type LoopState } from './loop.ts'
import { bind, takesOf } from './macro.ts'
import { parseTemplate } from './parse-template.ts'
import { textOf } from './printing.ts'
import { Scope } from './scope.ts'
import type { Body, Expression, FilterCall, Signature, Statement } from './syntax.ts'
import {
  Attributes,
  elementsOf,
  fromPlain,
  isTrue,
  List,
  Undefined,
  type Call,
  type Value,
} from './values.ts'

export interface TemplateInit {
  /** For templates that tell the date, in milliseconds since 1970. */
  readonly now: () => number
}

export interface Template {
  /**
   * The text that the template makes of the values.
   *
   * @throws TemplateError when the template refuses the values, never ends, or uses what is not known here
   */
  render(values: Readonly<Record<string, unknown>>): string
  /** Every text that stands in the template, as itself or in quotes: what it says without being told. */
  readonly texts: readonly string[]
}

type Jump = 'break' | 'continue' | undefined
type Of<T extends Statement['type']> = Extract<Statement, { readonly type: T }>

/**
 * Reads a template of Jinja as Python's `transformers` does it: the same text, or an error with a name. What it may cost
 * is bounded.
 *
 * @throws TemplateError when it is broken, or has a part that is not known here
 *
 * @example
 * const template = createTemplate('{% for m in messages %}{{ m.content }}{% endfor %}', { now: Date.now })
 * template.render({ messages: [{ role: 'user', content: 'Hello' }] }) // 'Hello'
 */
export function createTemplate(source: string, { now }: TemplateInit): Template {
  const body = parseTemplate(source)
  return {
    texts: textsIn(body),
    render(values) {
      const budget = new Budget(charactersOf(values))
      const all = new Scope(undefined, globals(now, budget))
      const given = Object.entries(values).map(([name, value]) => [name, fromPlain(value)] as const)
      return new Rendering(budget).text(body, new Scope(all, given))
    },
  }
}

function textsIn(part: unknown): string[] {
  if (typeof part !== 'object' || part === null) return []
  if ('type' in part && part.type === 'text' && 'text' in part) return [String(part.text)]
  if ('type' in part && part.type === 'constant' && 'value' in part)
    return typeof part.value === 'string' ? [part.value] : []
  return (part instanceof Map ? [...part.values()] : Object.values(part)).flatMap(textsIn)
}

function charactersOf(values: unknown): number {
  if (typeof values === 'string') return values.length
  if (typeof values !== 'object' || values === null) return 0
  return Object.values(values).reduce<number>((sum, value) => sum + charactersOf(value), 0)
}

class Rendering {
  readonly #budget: Budget
  readonly #evaluator: Evaluator

  constructor(budget: Budget) {
    this.#budget = budget
    this.#evaluator = new Evaluator(budget)
  }

  text(body: Body, scope: Scope): string {
    const parts: string[] = []
    this.#run(body, scope, parts)
    return parts.join('')
  }

  #of(expression: Expression, scope: Scope): Value {
    return this.#evaluator.evaluate(expression, scope)
  }

  #run(body: Body, scope: Scope, out: string[]): Jump {
    for (const statement of body) {
      this.#budget.spend(1)
      const jump = this.#runOne(statement, scope, out)
      if (jump) return jump
    }
    return undefined
  }

  #runOne(statement: Statement, scope: Scope, out: string[]): Jump {
    switch (statement.type) {
      case 'text':
        this.#write(statement.text, out)
        return undefined
      case 'print':
        this.#write(textOf(this.#printed(statement.value, scope), this.#budget), out)
        return undefined
      case 'if':
        return this.#if(statement, scope, out)
      case 'for':
        return this.#for(statement, scope, out)
      case 'with':
        return this.#with(statement, scope, out)
      case 'break':
      case 'continue':
        return statement.type
      default:
        this.#define(statement, scope, out)
        return undefined
    }
  }

  #write(text: string, out: string[]): void {
    if (text === '') return
    this.#budget.spendOutput(text.length)
    out.push(text)
  }

  /** `safe` says something of HTML; what is printed at once is the same with and without it. */
  #printed(expression: Expression, scope: Scope): Value {
    const isSafe = expression.type === 'filter' && expression.filter.name === 'safe'
    return isSafe ? this.#printed(expression.of, scope) : this.#of(expression, scope)
  }

  #if({ branches, otherwise }: Of<'if'>, scope: Scope, out: string[]): Jump {
    for (const [condition, body] of branches)
      if (isTrue(this.#of(condition, scope))) return this.#run(body, scope, out)
    return this.#run(otherwise, scope, out)
  }

  #with({ sets, body }: Of<'with'>, scope: Scope, out: string[]): Jump {
    const inner = new Scope(scope)
    for (const [target, value] of sets) inner.assign(target, this.#of(value, scope))
    return this.#run(body, inner, out)
  }

  #for(statement: Of<'for'>, scope: Scope, out: string[]): Jump {
    return this.#loop(statement, this.#of(statement.over, scope), scope, out, 0)
  }

  #loop(statement: Of<'for'>, over: Value, scope: Scope, out: string[], depth: number): Jump {
    const { target, where, body, otherwise, isRecursive } = statement
    const all = elementsOf(over)
    this.#budget.spendElements(all.length)
    const items = where
      ? all.filter((item) => isTrue(this.#of(where, this.#round(statement, item, scope))))
      : all
    const again: Call = ({ positional: [inner = null] }) => {
      const parts: string[] = []
      this.#loop(statement, inner, scope, parts, depth + 1)
      return parts.join('')
    }
    const state: LoopState = { items, depth, again: isRecursive ? again : undefined, lastSeen: undefined }
    for (const [i, item] of items.entries()) {
      const round = new Scope(scope, [['loop', loopOf(state, i, this.#budget)]])
      round.assign(target, item)
      if (this.#run(body, round, out) === 'break') break
    }
    return items.length === 0 ? this.#run(otherwise, new Scope(scope), out) : undefined
  }

  #round({ target }: Of<'for'>, item: Value, scope: Scope): Scope {
    const round = new Scope(scope)
    round.assign(target, item)
    return round
  }

  #define(
    statement: Of<'set' | 'set-block' | 'filter-block' | 'macro' | 'call-block'>,
    scope: Scope,
    out: string[],
  ): void {
    switch (statement.type) {
      case 'set':
        return scope.assign(statement.target, this.#of(statement.value, scope))
      case 'set-block':
        return scope.assign(statement.target, this.#filtered(statement, scope))
      case 'filter-block':
        return this.#write(textOf(this.#filtered(statement, scope), this.#budget), out)
      case 'macro':
        return scope.set(
          statement.name,
          this.#macro(statement.name, statement.signature, statement.body, scope),
        )
      case 'call-block': {
        const caller = this.#macro('caller', statement.signature, statement.body, scope)
        const given = this.#evaluator.arguments(statement.given, scope)
        const named = new Map([...given.named, ['caller', caller] as const])
        const result = this.#evaluator.call(this.#of(statement.callee, scope), { ...given, named })
        this.#write(textOf(result, this.#budget), out)
      }
    }
  }

  #filtered(
    { body, filters }: { readonly body: Body; readonly filters: readonly FilterCall[] },
    scope: Scope,
  ): Value {
    const inner = new Scope(scope)
    return filters.reduce<Value>(
      (value, filter) => this.#evaluator.applyFilter(filter, value, scope),
      this.text(body, inner),
    )
  }

  #macro(name: string, signature: Signature, body: Body, scope: Scope): Attributes {
    const takes = takesOf(signature, body)
    const call: Call = (given) => {
      const inner = new Scope(scope, bind(name, signature, takes, given))
      for (const one of signature.names) {
        const otherwise = signature.defaults.get(one)
        if (inner.has(one)) continue
        inner.set(one, otherwise ? this.#of(otherwise, inner) : new Undefined(one))
      }
      return this.text(body, inner)
    }
    const names = new List(signature.names, 'tuple')
    return new Attributes(
      'macro',
      [
        ['name', name],
        ['arguments', names],
      ],
      call,
    )
  }
}
