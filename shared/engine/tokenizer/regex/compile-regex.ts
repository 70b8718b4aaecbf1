import { CharacterSet } from './character-set.ts'
import type { Part, Repeat } from './parse-regex.ts'

/** What is done next at a place of a text. Fields that an operation has no use for are 0 or empty. */
export interface Instruction {
  readonly op: (typeof OP)[keyof typeof OP]
  /** Where it goes on: of a `split` first, of a `look` when it holds. */
  to: number
  /** Where a `split` goes on when that way fails. */
  otherwise: number
  readonly sets: readonly CharacterSet[]
  readonly isNegative: boolean
  /** Where what a `look` looks for begins. */
  readonly begin: number
  /** The number of a `split` among all. */
  readonly split: number
}

export const OP = { set: 0, split: 1, jump: 2, look: 3, behind: 4, match: 5 } as const

export interface RegexProgram {
  readonly code: readonly Instruction[]
  readonly splits: number
}

/** Real ones have some 200 instructions. */
const MAX_CODE = 1 << 13
/** Each remembers the characters that it was asked for. */
const MAX_SETS = 1 << 10

/** Makes a program of a regular expression, for {@link runRegex}. Thrown where it is too large or looks too far behind. */
export function compileRegex(whole: Part): RegexProgram {
  const code: Instruction[] = []
  const sets = new Map<string, CharacterSet>()
  let splits = 0

  function emit(op: Instruction['op'], more: Partial<Instruction> = {}): Instruction {
    if (code.length >= MAX_CODE) throw new Error('a regex too large')
    const to = code.length + 1
    const instruction = { op, to, otherwise: 0, sets: [], isNegative: false, begin: to, split: 0, ...more }
    code.push(instruction)
    return instruction
  }

  function setOf(source: string): CharacterSet {
    const set = sets.get(source) ?? new CharacterSet(source)
    sets.set(source, set)
    if (sets.size > MAX_SETS) throw new Error('a regex of too many kinds of characters')
    return set
  }

  /** A place where there are two ways, of which the greedy one goes into what follows. */
  function fork(isLazy = false): { readonly leave: () => void } {
    const split = emit(OP.split, { split: splits++ })
    const inside = code.length
    return {
      leave() {
        split.to = isLazy ? code.length : inside
        split.otherwise = isLazy ? inside : code.length
      },
    }
  }

  function write(part: Part): void {
    switch (part.kind) {
      case 'set':
        emit(OP.set, { sets: [setOf(part.source)] })
        break
      case 'sequence':
        part.parts.forEach(write)
        break
      case 'choice':
        writeChoice(part.options)
        break
      case 'repeat':
        writeRepeat(part)
        break
      case 'look':
        if (part.isBehind) writeBehind(part.part, part.isNegative)
        else writeLook(part.part, part.isNegative)
    }
  }

  function writeChoice(options: readonly Part[]): void {
    const ends: Instruction[] = []
    options.forEach((option, i) => {
      const isLast = i === options.length - 1
      const other = isLast ? undefined : fork()
      write(option)
      if (!isLast) ends.push(emit(OP.jump))
      other?.leave()
    })
    for (const end of ends) end.to = code.length
  }

  function writeRepeat({ part, least, most, isLazy }: Repeat): void {
    for (let i = 0; i < least; i++) write(part)
    if (most === Infinity) {
      const begin = code.length
      const loop = fork(isLazy)
      write(part)
      emit(OP.jump, { to: begin })
      loop.leave()
      return
    }
    const forks = Array.from({ length: Math.min(MAX_CODE, most - least) }, () => {
      const option = fork(isLazy)
      write(part)
      return option
    })
    for (const option of forks) option.leave()
  }

  function writeLook(part: Part, isNegative: boolean): void {
    const look = emit(OP.look, { isNegative })
    write(part)
    emit(OP.match)
    look.to = code.length
  }

  /** One character back is all that real ones look at, and what word boundaries and ends of lines are made of. */
  function writeBehind(part: Part, isNegative: boolean): void {
    const options = part.kind === 'choice' ? part.options : [part]
    const behind = options.map((option) => {
      if (option.kind !== 'set') throw new Error('a regex that looks far behind')
      return setOf(option.source)
    })
    emit(OP.behind, { sets: behind, isNegative })
  }

  write(whole)
  emit(OP.match)
  return { code, splits }
}
