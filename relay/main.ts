import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { errorLine } from '#shared/errors/error-line.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { composeRelay } from './compose.ts'
import { helpText } from './config/describe-options.ts'
import { loadConfig } from './config/load-config.ts'
import type { RelayConfig } from './config/options.ts'
import type { Relay } from './create-relay.ts'
import { loadIdentity } from './identity.ts'
import { createLog, type Logger } from './observe/log.ts'
import { startErrorOf } from './operator-words.ts'
import { holderWords, holdFolder } from './base/folder-hold.ts'
import { StartError } from './base/start-error.ts'

/** A stop that takes longer than this is cut; a second Ctrl-C cuts at once. */
const STOP_LIMIT_MS = 5000

const version = readVersion()

try {
  const command = loadConfig({ args: process.argv.slice(2), env: process.env })
  if (command.type === 'help') process.stdout.write(helpText())
  else if (command.type === 'version') process.stdout.write(`${version}\n`)
  else await run(command.config)
} catch (thrown) {
  end(thrown)
}

async function run(config: RelayConfig): Promise<void> {
  const log = createLog(config.logLevel)
  process.on('uncaughtException', (thrown) => endLogged(log, thrown, 'uncaught exception'))
  process.on('unhandledRejection', (thrown) => endLogged(log, thrown, 'unhandled rejection'))
  const privateKey = await loadIdentity(config.dataFolder, { onWarning: (what) => log.warn(what) })
  const hold = holdData(config.dataFolder, log)
  const relay = composeRelay({ privateKey, log }, { config, version })
  stopOnSignal(relay, log)
  await relay.start()
  hold?.tell(relay.httpUrl)
  process.on('SIGHUP', () => relay.reload())
  announce(relay, log)
}

/** Two relays of one name take each other's places at every peer, and two writers lose each other's vouchers. */
function holdData(folder: string, log: Logger): { tell(url: string): void } | undefined {
  const hold = holdFolder(folder)
  if (hold.type === 'held') return hold
  const path = resolve(folder)
  if (hold.type === 'taken')
    throw new StartError(
      `The data folder ${path} is in use by a relay (${holderWords(hold.by)}).`,
      'Use that one, or stop it first. For a second relay, name a folder of its own with --data-folder.',
    )
  log.warn(`the data folder ${path} cannot be locked (${hold.reason}): start no second relay on it`)
  return undefined
}

/** One line for people on standard output, the same as an event in the log. */
function announce(relay: Relay, log: Logger): void {
  log.info({ version, peerId: relay.name, url: relay.httpUrl, addresses: relay.addresses }, 'relay started')
  process.stdout.write(`Infernet relay at ${relay.httpUrl} (join it with --peer ${relay.addresses.at(-1)})\n`)
}

function stopOnSignal(relay: Relay, log: Logger): void {
  let isStopping = false
  const stop = (signal: string): void => {
    if (isStopping) process.exit(1)
    isStopping = true
    log.info({ signal }, 'stopping')
    setTimeout(() => process.exit(1), STOP_LIMIT_MS).unref()
    relay.stop().then(
      () => process.exit(0),
      (thrown: unknown) => endLogged(log, thrown, 'stop failed'),
    )
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop(signal))
}

function endLogged(log: Logger, thrown: unknown, what: string): void {
  log.fatal({ err: thrown }, what)
  process.exit(1)
}

/** What an operator can mend is one line with its fix; anything else is ours and comes with its stack. */
function end(thrown: unknown): void {
  const known = thrown instanceof InfernetError ? (startErrorOf(thrown) ?? thrown) : thrown
  const stack = known instanceof Error && !(known instanceof StartError) ? `\n${known.stack ?? ''}` : ''
  process.stderr.write(`${errorLine(known)}${stack}\n`)
  process.exit(known instanceof StartError ? known.exitCode : 1)
}

function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
