import { appendFileSync } from 'node:fs'
import { relative } from 'node:path'
import type {} from '#shared/testing/longer-fuzz.ts'
import type { Reporter, SerializedError, TestCase, TestModule, TestSuite } from 'vitest/node'

/**
 * One line of the notes: a file or a test that began, how it ended, or what went wrong outside of any test. Files are not
 * counted, nor are tests that another suite counts.
 */
export interface SuiteNote {
  readonly is: 'begun' | 'passed' | 'failed' | 'skipped' | 'uncounted' | 'error' | 'over'
  /** File and test; empty at the end of the run. */
  readonly name: string
  /** Of a failed test: the first lines of what went wrong. */
  readonly why?: string
}

/** Characters of a failure: enough to tell what it was, when the whole text is gone. */
const MAX_WHY = 600

/**
 * Writes down each thing as it happens, so that a run that hangs or dies still tells what passed before, what failed, and
 * what it was at. Errors outside of tests count as well: a file that does not load, a hook, an unhandled rejection.
 */
export class SuiteReporter implements Reporter {
  readonly #path: string
  readonly #root = process.cwd()

  constructor(path: string) {
    this.#path = path
  }

  onTestModuleStart(module: TestModule): void {
    this.#note('begun', this.#pathOf(module))
  }

  onTestCaseReady(test: TestCase): void {
    this.#note('begun', this.#nameOf(test))
  }

  onTestCaseResult(test: TestCase): void {
    const { state } = test.result()
    if (state === 'pending') return
    const isCountedElsewhere = state === 'passed' && test.meta().hasDrawn === false
    const why = test.result().errors?.map(({ message }) => message.slice(0, MAX_WHY))
    this.#note(isCountedElsewhere ? 'uncounted' : state, this.#nameOf(test), why?.[0])
  }

  onTestSuiteResult(suite: TestSuite): void {
    this.#noteErrors(suite.errors(), `${this.#pathOf(suite.module)} > ${suite.fullName}`)
  }

  onTestModuleEnd(module: TestModule): void {
    this.#noteErrors(module.errors(), this.#pathOf(module))
    this.#note('uncounted', this.#pathOf(module))
  }

  onTestRunEnd(_: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    this.#noteErrors(unhandled, 'outside of any test')
    this.#note('over', '')
  }

  #noteErrors(errors: readonly SerializedError[], where: string): void {
    for (const { message } of errors) this.#note('error', `${where}: ${message}`)
  }

  #note(is: SuiteNote['is'], name: string, why?: string): void {
    const note = { is, name, ...(why !== undefined && { why }) } satisfies SuiteNote
    appendFileSync(this.#path, `${JSON.stringify(note)}\n`)
  }

  #nameOf(test: TestCase): string {
    return `${this.#pathOf(test.module)} > ${test.fullName}`
  }

  #pathOf({ moduleId }: TestModule): string {
    return relative(this.#root, moduleId)
  }
}
