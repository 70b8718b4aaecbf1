/** A reason why the relay cannot start that the operator can mend. Its text names the option and the fix. */
export class StartError extends Error {
  override readonly name = 'StartError'
  /** What `main.ts` exits with: 2 for a wrong option, as shells do; 1 for anything on the machine. */
  readonly exitCode: 1 | 2

  constructor(
    what: string,
    fix: string,
    { exitCode = 1, cause }: { exitCode?: 1 | 2; cause?: unknown } = {},
  ) {
    super(`${what} ${fix}`, { cause })
    this.exitCode = exitCode
  }
}

/** A wrong option, named the way it was given. */
export function badOption(given: string, what: string, fix: string): StartError {
  return new StartError(`${given}: ${what}`, fix, { exitCode: 2 })
}
