import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { damagedJson, unread } from '../base/file-words.ts'
import { badOption, StartError } from '../base/start-error.ts'
import { OPTION_KEYS, OPTIONS, type Option, type OptionKey, type RelayConfig } from './options.ts'

/** What the command line asks for. */
export type Command =
  | { readonly type: 'run'; readonly config: RelayConfig }
  | { readonly type: 'help' }
  | { readonly type: 'version' }

export interface ConfigSources {
  /** Without `node` and the script. */
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** Reads the file of `--config`. @default node:fs */
  readonly readFile?: (path: string) => string
}

/** A value as text, and where it was given, for the message when it is wrong. */
interface Given {
  readonly text: string
  readonly place: string
}

/**
 * Puts the options together: a flag wins over the environment, which wins over the file, which wins over the default.
 *
 * @throws StartError with exit code 2 that names the option and the fix.
 */
export function loadConfig({
  args,
  env,
  readFile = (path) => readFileSync(path, 'utf8'),
}: ConfigSources): Command {
  const flags = readFlags(args)
  if (flags['help'] === true) return { type: 'help' }
  if (flags['version'] === true) return { type: 'version' }
  const path = flags['config'] ?? env['INFERNET_CONFIG']
  const file =
    typeof path === 'string' && path !== '' ? readConfigFile(path, readFile) : new Map<string, Given>()
  const config = configFrom((key, { flag, env: variable, defaultText }) => {
    const value = flags[flag]
    if (value !== undefined) return { text: String(value), place: `--${flag}` }
    const fromEnv = env[variable]
    if (fromEnv !== undefined && fromEnv !== '') return { text: fromEnv, place: variable }
    return file.get(key) ?? { text: defaultText, place: `--${flag}` }
  })
  checkTogether(config)
  return { type: 'run', config }
}

/** The defaults with `changes`, for tests and for programs that start a relay. @internal */
export function configWith(changes: Partial<RelayConfig>): RelayConfig {
  return { ...configFrom((_key, { flag, defaultText }) => ({ text: defaultText, place: flag })), ...changes }
}

function configFrom(give: (key: OptionKey, option: Option) => Given): RelayConfig {
  const entries = OPTION_KEYS.map((key) => {
    const option: Option = OPTIONS[key]
    const { text, place } = give(key, option)
    try {
      return [key, option.read(text)]
    } catch (thrown) {
      const what = thrown instanceof RangeError ? thrown.message : 'cannot be read.'
      throw badOption(place, `"${clipped(text)}" ${what}`, `Default: ${option.defaultText || 'empty'}.`)
    }
  })
  return Object.fromEntries(entries) as RelayConfig
}

type Flags = Record<string, string | boolean | string[] | undefined>

function readFlags(args: readonly string[]): Flags {
  const options = Object.fromEntries(
    OPTION_KEYS.map((key) => {
      const { flag, isList = false } = OPTIONS[key] as Option
      return [flag, { type: 'string' as const, multiple: isList }]
    }),
  )
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        ...options,
        config: { type: 'string' },
        help: { type: 'boolean' },
        version: { type: 'boolean' },
      },
      strict: true,
      allowPositionals: false,
    })
    return values
  } catch (cause) {
    const text = cause instanceof Error ? (cause.message.split('. ')[0] ?? '') : ''
    throw new StartError(`${text}.`, 'Run with --help for the list of options.', { exitCode: 2, cause })
  }
}

function readConfigFile(path: string, readFile: (path: string) => string): Map<string, Given> {
  let text: string
  try {
    text = readFile(path)
  } catch (thrown) {
    throw badOption('--config', ...unread(clipped(path), thrown, 'Check the path.'))
  }
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (thrown) {
    throw badOption(
      '--config',
      `${clipped(path)}: ${damagedJson(text, thrown)}`,
      'Check its commas and quotes.',
    )
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw badOption('--config', 'the file must hold one object.', 'Write {"port": 8080}.')
  return new Map(
    Object.entries(parsed).map(([key, value]) => {
      const place = `"${clipped(key)}" in the configuration file`
      if (!Object.hasOwn(OPTIONS, key))
        throw badOption(place, 'is not an option.', 'Run with --help for the list.')
      return [key, { text: textOf(OPTIONS[key as OptionKey], value), place }]
    }),
  )
}

/** Lists of texts join as in a flag; everything else that is not a plain value is read as JSON again. */
function textOf(option: Option, value: unknown): string {
  if (Array.isArray(value) && (option.isList || value.some((item) => typeof item === 'string')))
    return value.join(',')
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}

function checkTogether(config: RelayConfig): void {
  if ((config.tlsCert === '') !== (config.tlsKey === ''))
    throw badOption('--tls-cert and --tls-key', 'only one of them is given.', 'Give both, or neither.')
  if (config.maxReservations > config.maxConnections)
    throw badOption(
      '--max-reservations',
      'is above --max-connections.',
      'Each reservation needs a connection: raise the other.',
    )
}

function clipped(text: string): string {
  return text.replace(/\p{Cc}/gu, ' ').slice(0, 80)
}
