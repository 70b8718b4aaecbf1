import type { Value } from './values.ts'

export type BinaryOperator = '+' | '-' | '*' | '/' | '//' | '%' | '**'
export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | 'not in'

export interface Arguments {
  readonly positional: readonly Expression[]
  readonly named: readonly (readonly [name: string, value: Expression])[]
  /** `*list` */
  readonly spread: Expression | undefined
  /** `**dict` */
  readonly spreadNamed: Expression | undefined
}

export interface FilterCall {
  readonly name: string
  readonly given: Arguments
}

export type Expression =
  | { readonly type: 'constant'; readonly value: Value }
  | { readonly type: 'name'; readonly name: string }
  | { readonly type: 'list' | 'tuple'; readonly items: readonly Expression[] }
  | { readonly type: 'dict'; readonly entries: readonly (readonly [Expression, Expression])[] }
  | { readonly type: 'attribute'; readonly of: Expression; readonly name: string }
  | { readonly type: 'item'; readonly of: Expression; readonly key: Expression }
  | { readonly type: 'slice'; readonly of: Expression; readonly parts: readonly (Expression | undefined)[] }
  | { readonly type: 'call'; readonly callee: Expression; readonly given: Arguments }
  | { readonly type: 'filter'; readonly of: Expression; readonly filter: FilterCall }
  | { readonly type: 'test'; readonly of: Expression; readonly name: string; readonly given: Arguments }
  | { readonly type: 'not' | 'negative' | 'positive'; readonly of: Expression }
  | { readonly type: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | {
      readonly type: 'binary'
      readonly operator: BinaryOperator
      readonly left: Expression
      readonly right: Expression
    }
  | { readonly type: 'concatenate'; readonly parts: readonly Expression[] }
  | {
      readonly type: 'compare'
      readonly first: Expression
      readonly rest: readonly (readonly [Comparison, Expression])[]
    }
  | {
      readonly type: 'choose'
      readonly condition: Expression
      readonly then: Expression
      readonly otherwise: Expression | undefined
    }

/** What is written to: names, several at once, or a namespace's attribute. */
export type Target =
  | { readonly type: 'name'; readonly name: string }
  | { readonly type: 'attribute'; readonly of: string; readonly name: string }
  | { readonly type: 'targets'; readonly targets: readonly Target[] }

export interface Signature {
  readonly names: readonly string[]
  readonly defaults: ReadonlyMap<string, Expression>
}

export type Body = readonly Statement[]

export type Statement =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'print'; readonly value: Expression }
  | {
      readonly type: 'if'
      readonly branches: readonly (readonly [Expression, Body])[]
      readonly otherwise: Body
    }
  | {
      readonly type: 'for'
      readonly target: Target
      readonly over: Expression
      readonly where: Expression | undefined
      readonly isRecursive: boolean
      readonly body: Body
      readonly otherwise: Body
    }
  | { readonly type: 'set'; readonly target: Target; readonly value: Expression }
  | {
      readonly type: 'set-block'
      readonly target: Target
      readonly filters: readonly FilterCall[]
      readonly body: Body
    }
  | { readonly type: 'with'; readonly sets: readonly (readonly [Target, Expression])[]; readonly body: Body }
  | { readonly type: 'filter-block'; readonly filters: readonly FilterCall[]; readonly body: Body }
  | { readonly type: 'macro'; readonly name: string; readonly signature: Signature; readonly body: Body }
  | {
      readonly type: 'call-block'
      readonly signature: Signature
      readonly callee: Expression
      readonly given: Arguments
      readonly body: Body
    }
  | { readonly type: 'break' | 'continue' }
