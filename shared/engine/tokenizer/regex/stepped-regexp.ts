import type { TextBudget } from '../text-budget.ts'
import { compileRegex, type RegexProgram } from './compile-regex.ts'
import { parseRegex } from './parse-regex.ts'
import { RegexRun } from './run-regex.ts'

/**
 * A stranger's regular expression of flags `gu` or `guy`, for whatever takes one: it finds what the browser's own would
 * find, in steps that are counted. Groups are not captured.
 */
export class SteppedRegExp extends RegExp {
  readonly #program: RegexProgram
  readonly #budget: TextBudget
  #run: RegexRun | undefined

  /**
   * @param pattern one of this class is copied, as `matchAll` and `split` do it
   * @throws Error for what is not run here, see `parseRegex` and `compileRegex`
   */
  constructor(pattern: RegExp, flags = pattern.flags, budget?: TextBudget) {
    super(pattern, flags)
    if (pattern instanceof SteppedRegExp) {
      this.#budget = pattern.#budget
      this.#program = pattern.#program
      return
    }
    if (!budget) throw new Error('no budget')
    this.#budget = budget
    this.#program = compileRegex(parseRegex(pattern.source).part)
  }

  override exec(text: string): RegExpExecArray | null {
    if (this.#run?.text !== text) this.#run = new RegexRun(this.#program, text)
    const found = this.#find(this.#run, text)
    this.lastIndex = found?.end ?? 0
    if (!found) return null
    const { start, end } = found
    return Object.assign([text.slice(start, end)] as [string], { index: start, input: text })
  }

  #find(run: RegexRun, text: string): { readonly start: number; readonly end: number } | undefined {
    for (let start = this.lastIndex; start <= text.length; start += widthAt(text, start)) {
      const before = this.#budget.steps
      const end = run.matchAt(start, before)
      this.#budget.spend(run.isSpent ? before + 1 : before - run.left)
      if (end >= 0) return { start, end }
      if (this.sticky) break
    }
    return undefined
  }
}

function widthAt(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1
}
