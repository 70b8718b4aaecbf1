import type { Budget } from './budget.ts'
import { chatFault } from './template-error.ts'
import { Attributes, Func, isEqual, List, Undefined, type Call, type Value } from './values.ts'

/** What one loop keeps from one round to the next. */
export interface LoopState {
  readonly items: readonly Value[]
  readonly depth: number
  /** Goes through other items in the same way, where the loop is recursive. */
  readonly again: Call | undefined
  lastSeen: List | undefined
}

/** `loop`, as it is in one round. */
export function loopOf(state: LoopState, i: number, budget: Budget): Attributes {
  const { items, depth, again } = state
  const left = items.length - i
  return new Attributes(
    'loop',
    [
      ['index', i + 1],
      ['index0', i],
      ['revindex', left],
      ['revindex0', left - 1],
      ['first', i === 0],
      ['last', left === 1],
      ['length', items.length],
      ['depth', depth + 1],
      ['depth0', depth],
      ['previtem', items[i - 1] ?? new Undefined('the item before the first')],
      ['nextitem', items[i + 1] ?? new Undefined('the item after the last')],
      ['cycle', new Func('cycle', ({ positional }) => cycled(positional, i))],
      [
        'changed',
        new Func('changed', ({ positional }) => {
          budget.spend(new List(positional).weight)
          const isChanged = state.lastSeen === undefined || !isEqual(state.lastSeen, new List(positional))
          state.lastSeen = new List(positional)
          return isChanged
        }),
      ],
    ],
    again,
  )
}

function cycled(values: readonly Value[], i: number): Value {
  const value = values[i % values.length]
  if (value === undefined) throw chatFault('nothing to cycle')
  return value
}
