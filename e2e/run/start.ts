/**
 * `npm start [-- relay flags]`: builds the page when it is older than its sources, then runs a relay with one seed
 * provider on a free port of this machine. Ctrl-C stops all of it; the identity stays in `data/`.
 */
import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { buildPage } from '../fixtures/build-page.ts'

/** Tried first, so that the page keeps its address, and with it its history, from one start to the next. */
const PREFERRED_PORT = 4630

const flags = process.argv.slice(2)
buildPage()
const port = (await isFree(PREFERRED_PORT)) ? PREFERRED_PORT : 0
const main = fileURLToPath(new URL('../../relay/main.ts', import.meta.url))
const relay = spawn(
  process.execPath,
  [
    main,
    '--host',
    '127.0.0.1',
    '--port',
    String(port),
    '--seed-provider',
    'on',
    '--log-level',
    'warn',
    ...flags,
  ],
  { stdio: 'inherit', cwd: fileURLToPath(new URL('../../', import.meta.url)) },
)
// Ctrl-C reaches the relay by itself, since it is of the same terminal; a plain kill is passed on.
process.on('SIGINT', () => undefined)
process.on('SIGTERM', () => relay.kill('SIGTERM'))
relay.on('exit', (code) => process.exit(code ?? 0))

function isFree(candidate: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(candidate, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}
