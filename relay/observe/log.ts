import { format } from 'node:util'
import type { ComponentLogger, Logger as Libp2pLogger } from '@libp2p/interface'
import { pino, stdSerializers, type DestinationStream, type Logger } from 'pino'
import { systemReason } from '../base/system-reason.ts'

export type { Logger } from 'pino'

/**
 * One JSON object a line on standard error, with a `scope` that names the part that speaks. Standard output stays free
 * for the address line.
 */
export function createLog(
  level: string,
  destination: DestinationStream = pino.destination({ fd: 2, sync: true }),
): Logger {
  const children = new Set<Logger>()
  const log = pino(
    {
      level,
      onChild: (child: Logger) => void children.add(child),
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: (thrown: unknown) => stdSerializers.err(asError(thrown)) },
      redact: ['credential', '*.credential', 'privateKey'],
    },
    destination,
  )
  childrenOf.set(log, children)
  return log
}

/** A child keeps the level that it was made with. There is one for each part of the relay, and no more. */
const childrenOf = new WeakMap<Logger, Set<Logger>>()

/** Changes what is logged from now on, in all parts. */
export function setLogLevel(log: Logger, level: string): void {
  for (const each of [log, ...(childrenOf.get(log) ?? [])]) each.level = level
}

/**
 * libp2p's own messages, most of which tell of strangers who misbehave. So its errors appear at `debug`, the rest at
 * `trace`, and nothing is formatted that is not shown.
 */
export function libp2pLogger(log: Logger): ComponentLogger {
  const forComponent = (name: string): Libp2pLogger => {
    // No child of its own: libp2p makes a logger for each connection, and all of them are to follow the level.
    const write =
      (level: 'debug' | 'trace') =>
      (template: unknown, ...values: unknown[]) => {
        if (log.isLevelEnabled(level)) log[level]({ scope: name }, plain(template, values))
      }
    const logger = write('trace') as Libp2pLogger
    logger.error = write('debug')
    logger.trace = write('trace')
    Object.defineProperty(logger, 'enabled', { get: () => log.isLevelEnabled('trace') })
    logger.newScope = (scope) => forComponent(`${name}:${scope}`)
    return logger
  }
  return { forComponent }
}

/** libp2p's own placeholders (%p a peer, %a an address, %e an error, ...) all mean: as text. */
function plain(template: unknown, values: readonly unknown[]): string {
  return format(text(template).replace(/%[pabtke]/g, '%s'), ...values.map(text))
}

/** As an object says itself, where it has words: an event of a WebSocket has none. */
function text(value: unknown): string {
  const own = String(value)
  return own.startsWith('[object ') ? systemReason(value) : own
}

/** WebSockets throw events, which have neither words nor a stack. */
function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(systemReason(thrown))
}
