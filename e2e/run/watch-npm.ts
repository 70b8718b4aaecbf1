import { readFileSync } from 'node:fs'

/** How often it is looked at. */
const LOOK_MS = 500

/**
 * Calls back once when the npm that started us has gone. npm hands a signal to the shell between us, which ends and tells
 * us nothing. Where npm started nothing (`node e2e/run/start.ts &`), whoever did may go.
 */
export function onNpmGone(callback: () => void): void {
  if (process.env['npm_lifecycle_event'] === undefined) return
  const shell = process.ppid
  const npm = parentOf(shell)
  const timer = setInterval(() => {
    if (process.ppid === shell && parentOf(shell) === npm) return
    clearInterval(timer)
    callback()
  }, LOOK_MS).unref()
}

/** Undefined where there is no `/proc`; the shell ends with npm in any case that is known. */
function parentOf(pid: number): number | undefined {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
  } catch {
    return undefined
  }
}
