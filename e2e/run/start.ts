/**
 * `npm start [-- relay flags]`: builds the page when it is older than its sources, starts a local chain with the
 * contracts on it, then runs a relay with one seed provider on a free port of this machine. Ctrl-C stops all of it and
 * loses nothing: the identity and the chain stay in `data/`. With `--network-file` that chain is used and none started.
 */
import { spawn } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import { join, resolve as resolvePath } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findAnvil, NO_ANVIL } from '../chain/find-anvil.ts'
import { startLocalChain, type LocalChain } from '../chain/local-chain.ts'
import { ourContracts } from '../chain/our-contracts.ts'
import { buildPage } from '../fixtures/build-page.ts'

/** Tried first, so that the page keeps its address, and with it its history, from one start to the next. */
const PREFERRED_PORT = 4630

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const flags = process.argv.slice(2)
buildPage()
const port = await findPort()
const chain = await startChain(`http://127.0.0.1:${port}`)
const relay = spawn(
  process.execPath,
  [
    join(ROOT, 'relay/main.ts'),
    ...['--host', '127.0.0.1', '--port', String(port), '--seed-provider', 'on', '--log-level', 'warn'],
    ...(chain ? chainFlags(chain) : []),
    ...flags,
  ],
  { stdio: 'inherit', cwd: ROOT },
)
// Ctrl-C reaches the relay by itself, since it is of the same terminal; a plain kill is passed on.
process.on('SIGINT', () => undefined)
process.on('SIGTERM', () => relay.kill('SIGTERM'))
relay.on('exit', (code) => {
  // The chain goes last, so that what the relay still sends arrives.
  void (chain?.stop() ?? Promise.resolve()).finally(() => process.exit(code ?? 0))
})

/** Gas costs nothing here, so every claim is worth it, and soon. */
function chainFlags({ networkFile, faucetKeyFile, relayKeyFile }: LocalChain): string[] {
  return [
    ...['--network-file', networkFile, '--faucet-key-file', faucetKeyFile],
    ...['--relay-key-file', relayKeyFile, '--carry-worth', '0', '--carry-every-seconds', '15'],
  ]
}

/** Without anvil the network works as before: answers are free. */
async function startChain(allowOrigin: string): Promise<LocalChain | undefined> {
  if (flags.some((flag) => flag.startsWith('--network-file')) || process.env['INFERNET_NETWORK_FILE'])
    return undefined
  if (findAnvil() === undefined) {
    console.error(NO_ANVIL)
    return undefined
  }
  try {
    const folder = join(dataFolder(), 'chain')
    const started = await startLocalChain(ourContracts, { folder, allowOrigin })
    if (started.deployedInMs !== undefined)
      console.error(`Local chain at ${started.anvil.url}: contracts deployed in ${started.deployedInMs} ms`)
    return started
  } catch (thrown) {
    console.error(`${thrown instanceof Error ? thrown.message : String(thrown)} Until then answers are free.`)
    return undefined
  }
}

/** Where the relay keeps its own. */
function dataFolder(): string {
  const at = flags.indexOf('--data-folder')
  const given = at >= 0 ? flags[at + 1] : flags.find((flag) => flag.startsWith('--data-folder='))?.slice(14)
  return resolvePath(ROOT, given ?? process.env['INFERNET_DATA_FOLDER'] ?? 'data')
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
