import { OPTION_KEYS, OPTIONS, type Option } from './options.ts'

const rows: readonly (readonly [key: string, option: Option])[] = OPTION_KEYS.map((key) => [
  key,
  OPTIONS[key],
])

/** The text of `--help`. */
export function helpText(): string {
  const lines = rows.map(([, { flag, unit, meaning, defaultText }]) => {
    const given = `  --${flag} <${unit}>`
    const tail = defaultText === '' ? '' : ` (default ${defaultText})`
    return `${given}\n      ${meaning.replaceAll('`', '')}${tail}`
  })
  return [
    'An Infernet relay: introduces browser tabs to one another, keeps the directory, serves the page.',
    '',
    'Usage: node relay/main.ts [options]',
    '',
    ...lines,
    '  --config <path>',
    '      A JSON file with these options by their camelCase names.',
    '  --version, --help',
    '',
    'A flag wins over the environment, which wins over the file. Each flag has a variable: --log-level is',
    'INFERNET_LOG_LEVEL, --config is INFERNET_CONFIG.',
    '',
  ].join('\n')
}

/** The same table for the operator's page, which a test holds equal to this. @internal */
export function optionsTable(): string {
  const cells = rows.map(([key, { flag, env, unit, meaning, defaultText }]) =>
    [
      `\`--${flag}\``,
      `\`${env}\``,
      `\`${key}\``,
      defaultText === '' ? '' : `\`${defaultText}\``,
      unit,
      meaning,
    ].join(' | '),
  )
  return [
    '| flag | environment | in the file | default | unit | meaning |',
    '|---|---|---|---|---|---|',
    ...cells.map((row) => `| ${row} |`.replace(/\|  \|/g, '| |')),
  ].join('\n')
}
