import { OP, type Instruction, type RegexProgram } from './compile-regex.ts'

/** Below it nothing is remembered: what real regular expressions do with real texts ends sooner. */
const PLAIN_STEPS = 4096
const PLAIN_STEPS_PER_CHARACTER = 64
/** Bytes. */
const MAX_MEMORY = 1 << 26
/** Numbers, four for each place of a long word at most in real ones. */
const MAX_STACK = 1 << 23
const [FAILED, HELD] = [1, 2]
/** What stands in for a place. */
const [FAILS, ENDS] = [-1, -2]
// Taken apart here: this is the innermost loop.
const { set: SET, split: SPLIT, jump: JUMP, look: LOOK, behind: BEHIND, match: MATCH } = OP

/**
 * Runs a regular expression over one text, as the browser's own would, but so that the work grows with the text's length
 * and no faster: from some steps on, each place in the text where a way of the expression failed is remembered, and so
 * is each where what it looks ahead for was there. The browser's own may take longer than the world stands for 40
 * characters, and nothing ends it.
 */
export class RegexRun {
  readonly text: string
  readonly #program: RegexProgram
  readonly #plainSteps: number
  #steps = 0
  #left = 0
  #memory: Uint8Array | undefined

  /** @param plainSteps after which places are remembered */
  constructor(
    program: RegexProgram,
    text: string,
    plainSteps = PLAIN_STEPS + PLAIN_STEPS_PER_CHARACTER * text.length,
  ) {
    this.#program = program
    this.text = text
    this.#plainSteps = plainSteps
  }

  /**
   * Where the match that begins at `start` ends; -1 where none does.
   *
   * @param maxSteps when they are passed, `isSpent` is true and the result says nothing
   */
  matchAt(start: number, maxSteps: number): number {
    this.#left = maxSteps
    return this.#run(0, start, false)
  }

  get isSpent(): boolean {
    return this.#left < 0
  }

  get left(): number {
    return this.#left
  }

  #run(begin: number, start: number, isLook: boolean): number {
    const { code } = this.#program
    /** Pairs: a place, and where to go on there, or, below 0, the split that has failed there. */
    const stack: number[] = []
    let at = start
    let next = begin
    for (;;) {
      const instruction = code[next]
      if (!instruction || !this.#step()) return -1
      const then = this.#advance(instruction, at, stack)
      if (then === ENDS) {
        if (isLook) this.#rememberHeld(stack)
        return at
      }
      if (then >= 0) {
        at = then
        next = instruction.to
        continue
      }
      next = this.#goBack(stack)
      if (next < 0) return -1
      at = stack.pop() ?? 0
    }
  }

  /** The place that comes after one; below 0 where it goes no further. */
  #advance(instruction: Instruction, at: number, stack: number[]): number {
    switch (instruction.op) {
      case SET: {
        const character = this.text.codePointAt(at) ?? -1
        if (!instruction.sets[0]?.has(character)) return FAILS
        return character > 0xffff ? at + 2 : at + 1
      }
      case SPLIT:
        return this.#fork(instruction, at, stack)
      case JUMP:
        return at
      case MATCH:
        return ENDS
      case BEHIND:
        return this.#isBehind(instruction.sets, at) === instruction.isNegative ? FAILS : at
      case LOOK:
        return this.#run(instruction.begin, at, true) >= 0 === instruction.isNegative ? FAILS : at
    }
  }

  #fork({ split, otherwise }: Instruction, at: number, stack: number[]): number {
    if (this.#memory) {
      const known = this.#memory[this.#keyOf(split, at)]
      if (known === FAILED) return FAILS
      if (known === HELD) return ENDS
      stack.push(at, -1 - split)
    }
    stack.push(at, otherwise)
    if (stack.length > MAX_STACK) this.#left = -1
    return at
  }

  /** Where to go on, its place being left on the stack; -1 where there is nothing left. */
  #goBack(stack: number[]): number {
    for (;;) {
      const to = stack.pop()
      if (to === undefined) return -1
      if (to >= 0) return to
      const place = stack.pop() ?? 0
      if (this.#memory) this.#memory[this.#keyOf(-1 - to, place)] = FAILED
    }
  }

  #step(): boolean {
    if (++this.#steps > this.#plainSteps && !this.#memory) this.#beginToRemember()
    return --this.#left >= 0
  }

  #beginToRemember(): void {
    const size = this.#program.splits * (this.text.length + 1)
    if (size > MAX_MEMORY) this.#left = -1
    else this.#memory = new Uint8Array(size)
  }

  #keyOf(split: number, at: number): number {
    return split * (this.text.length + 1) + at
  }

  /** What is looked ahead for was there, so that all splits on the way there hold. */
  #rememberHeld(stack: readonly number[]): void {
    if (!this.#memory) return
    for (let i = 0; i < stack.length; i += 2) {
      const to = stack[i + 1] ?? 0
      if (to < 0) this.#memory[this.#keyOf(-1 - to, stack[i] ?? 0)] = HELD
    }
  }

  #isBehind(sets: readonly { has: (codePoint: number) => boolean }[], at: number): boolean {
    const character = characterBefore(this.text, at)
    return sets.some((set) => set.has(character))
  }
}

function characterBefore(text: string, at: number): number {
  if (at === 0) return -1
  const unit = text.charCodeAt(at - 1)
  const isLow = unit >= 0xdc00 && unit <= 0xdfff
  const pair = isLow && at > 1 ? (text.codePointAt(at - 2) ?? 0) : 0
  return pair > 0xffff ? pair : unit
}
