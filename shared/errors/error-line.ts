import { InfernetError } from './infernet-error.ts'

/** One line about anything thrown, for a terminal or a client without the table: an error of ours with its fix. */
export function errorLine(thrown: unknown): string {
  if (thrown instanceof InfernetError) return `${thrown.message} ${thrown.fix}`
  return thrown instanceof Error ? thrown.message : String(thrown)
}
