/**
 * `node --import ./e2e/run/end-with-parent.ts program`, with a pipe as standard input that the parent holds: the program
 * is asked to end when the parent lets go, which it does however it ends. A parent that was killed cannot say goodbye.
 */
import { isMainThread } from 'node:worker_threads'

if (isMainThread) {
  const end = (): void => void process.kill(process.pid, 'SIGTERM')
  process.stdin.on('end', end).on('error', end).resume()
  // Whoever is done by itself is not kept waiting for it.
  if ('unref' in process.stdin) process.stdin.unref()
}
