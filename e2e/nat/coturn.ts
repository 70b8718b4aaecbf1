import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { endOf } from '../fixtures/relay-process.ts'
import { TURN_SERVER } from './internet.ts'
import type { Namespace } from './namespaces.ts'

const [USERNAME, CREDENTIAL] = ['tab', 'secret']
const PORT = 3478
const START_LIMIT_MS = 20_000

/** For `--ice-servers`: what a tab asks for its address, and what carries it where nothing else does. Both by UDP. */
export const ICE_SERVERS = [
  { urls: `stun:${TURN_SERVER}:${PORT}` },
  { urls: `turn:${TURN_SERVER}:${PORT}`, username: USERNAME, credential: CREDENTIAL },
]

/** coturn as an operator runs it, for STUN and TURN, with nothing of the machine's configuration. */
export async function startCoturn(namespace: Namespace, folder: string): Promise<AsyncDisposable> {
  const files = ['--pidfile', join(folder, 'coturn.pid'), '--userdb', join(folder, 'turndb')]
  const user = ['--lt-cred-mech', '--realm', 'test', '--user', `${USERNAME}:${CREDENTIAL}`]
  const place = ['--listening-ip', TURN_SERVER, '--relay-ip', TURN_SERVER, '--listening-port', String(PORT)]
  const plain = ['-n', '--verbose', '--no-tls', '--no-dtls', '--no-cli', '--log-file', 'stdout']
  const child = namespace.spawn(['turnserver', ...plain, ...place, ...user, ...files])
  const log: string[] = []
  const stop = (): Promise<void> => endOf(child)
  const started = new Promise<void>((resolve, reject) => {
    const fail = (why: string): void => reject(new Error(`coturn ${why}:\n${log.join('\n')}`))
    const timer = setTimeout(() => fail('did not start'), START_LIMIT_MS)
    child.once('error', (thrown) => fail(thrown.message))
    child.once('exit', (code) => fail(`ended with ${code}`))
    createInterface({ input: child.stdout ?? process.stdin }).on('line', (line) => {
      if (process.env['E2E_LOG']) console.error('coturn:', line)
      if (log.length < 200) log.push(line)
      if (!line.includes(`UDP listener opened on: ${TURN_SERVER}:${PORT}`)) return
      clearTimeout(timer)
      resolve()
    })
    child.stderr?.resume()
  })
  try {
    await started
  } catch (thrown) {
    await stop()
    throw thrown
  }
  return { [Symbol.asyncDispose]: stop }
}
