/**
 * `npm start [-- relay flags]`: builds the page when it is older than its sources, starts a local chain with the
 * contracts on it, then runs a relay with one seed provider on a free port of this machine. Ctrl-C stops all of it and
 * loses nothing: the identity and the chain stay in `data/`. With `--network-file` that chain is used and none started.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join, resolve as resolvePath } from 'node:path'
import { fileURLToPath } from 'node:url'
import { errorLine } from '#shared/errors/error-line.ts'
import { holderWords, holdFolder } from '../../relay/base/folder-hold.ts'
import { loadConfig } from '../../relay/config/load-config.ts'
import type { RelayConfig } from '../../relay/config/options.ts'
import { findAnvil, NO_ANVIL } from '../chain/find-anvil.ts'
import { startLocalChain, type LocalChain } from '../chain/local-chain.ts'
import { ourContracts } from '../chain/our-contracts.ts'
import { buildPage } from '../fixtures/build-page.ts'
import { WITH_PARENT } from '../fixtures/with-parent.ts'
import { onNpmGone } from './watch-npm.ts'

/** Tried first, so that the page keeps its address, and with it its history, from one start to the next. */
const PREFERRED_PORT = 4630

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const flags = process.argv.slice(2)
/** What holds here unless a flag or the environment says otherwise. */
const env = {
  ...{ INFERNET_HOST: '127.0.0.1', INFERNET_PORT: '0' },
  ...{ INFERNET_SEED_PROVIDER: 'on', INFERNET_LOG_LEVEL: 'warn' },
  ...process.env,
}
const config = readConfig()
if (config) endIfTaken(config)
const run = config ? await prepare(config) : { args: flags, chain: undefined }
const relay = spawn(process.execPath, [...WITH_PARENT, join(ROOT, 'relay/main.ts'), ...run.args], {
  stdio: ['pipe', 'inherit', 'inherit'], // what the relay waits at, so that it never outlives us
  cwd: ROOT,
  env,
})
// Ctrl-C reaches the relay by itself, since it is of the same terminal; all else is passed on.
process.on('SIGINT', () => undefined)
for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => relay.kill('SIGTERM'))
onNpmGone(() => relay.kill('SIGTERM'))
relay.on('exit', (code) => {
  // The chain goes last, so that what the relay still sends arrives.
  void (run.chain?.stop() ?? Promise.resolve()).finally(() => process.exit(code ?? 0))
})

/** As the relay will read it; undefined when it will only print its help, or what is wrong with its options. */
function readConfig(): RelayConfig | undefined {
  try {
    const command = loadConfig({ args: flags, env })
    return command.type === 'run' ? command.config : undefined
  } catch {
    return undefined
  }
}

/** Before anything is built or started: a second relay on one folder would end at once in any case. */
function endIfTaken({ dataFolder }: RelayConfig): void {
  const folder = resolvePath(ROOT, dataFolder)
  if (!existsSync(folder)) return
  const hold = holdFolder(folder)
  if (hold.type === 'held') return hold.release()
  if (hold.type === 'failed') return // the relay says what is wrong
  console.error(
    `Infernet runs already on ${folder} (${holderWords(hold.by)}). Use that one, or stop it first. ` +
      'For a second one: npm start -- --data-folder another-folder',
  )
  process.exit(1)
}

async function prepare(wanted: RelayConfig): Promise<{ args: string[]; chain: LocalChain | undefined }> {
  buildPage()
  const port = wanted.port === 0 ? await findPort() : wanted.port
  const chain = await startChain(wanted, port)
  return { args: [...(chain ? chainFlags(chain) : []), ...flags, '--port', String(port)], chain }
}

/** Gas costs nothing here, so every claim is worth it, and soon. */
function chainFlags({ networkFile, faucetKeyFile, relayKeyFile }: LocalChain): string[] {
  return [
    ...['--network-file', networkFile, '--faucet-key-file', faucetKeyFile],
    ...['--relay-key-file', relayKeyFile, '--carry-worth', '0', '--carry-every-seconds', '15'],
  ]
}

/** Without anvil the network works as before: answers are free. */
async function startChain(wanted: RelayConfig, port: number): Promise<LocalChain | undefined> {
  if (wanted.networkFile !== '') return undefined
  if (findAnvil() === undefined) {
    console.error(NO_ANVIL)
    return undefined
  }
  try {
    const folder = join(resolvePath(ROOT, wanted.dataFolder), 'chain')
    const allowOrigins = ownOrigins(wanted, port)
    const started = await startLocalChain(ourContracts, { folder, allowOrigins, avoidPort: port })
    if (started.deployedInMs !== undefined)
      console.error(`Local chain at ${started.anvil.url}: contracts deployed in ${started.deployedInMs} ms`)
    return started
  } catch (thrown) {
    console.error(`${errorLine(thrown)} Until then answers are free.`)
    return undefined
  }
}

/** The page under each name that this machine has for itself. From another one the chain cannot be reached at all. */
function ownOrigins({ tlsCert }: RelayConfig, port: number): string[] {
  const scheme = tlsCert === '' ? 'http' : 'https'
  return ['127.0.0.1', 'localhost', '[::1]'].map((host) => new URL(`${scheme}://${host}:${port}`).origin)
}

/** One that is known before the relay has it: the chain allows that origin. */
async function findPort(): Promise<number> {
  return (await freePort(PREFERRED_PORT)) ?? (await freePort(0)) ?? 0
}

function freePort(candidate: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(undefined))
    probe.listen(candidate, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })
}
