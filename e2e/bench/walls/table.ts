import type { AttackResult } from '../../hostile/measure-attack.ts'

const HEAD = [
  'attack',
  'success',
  'first token',
  'longest turn',
  'attacker’s cost',
  'beyond the bounds',
] as const

/** One line for each attack, below a head, in columns. */
export function wallsTable(
  rows: readonly { readonly result: AttackResult; readonly losses: readonly string[] }[],
): string {
  const lines = [HEAD, ...rows.map(({ result, losses }) => cells(result, losses))]
  const widths = HEAD.map((_, at) => Math.max(...lines.map((line) => (line[at] ?? '').length)))
  return lines
    .map((line) => line.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  '))
    .map((line) => line.trimEnd())
    .join('\n')
}

function cells(result: AttackResult, losses: readonly string[]): readonly string[] {
  const { attack, questions, failures, honestTtftRatio, attackerCost, loops } = result
  const longest = Math.max(0, ...Object.values(loops).map(({ stallMs }) => stallMs))
  return [
    attack,
    `${questions - failures.length} of ${questions}`,
    honestTtftRatio === undefined ? 'none' : `× ${honestTtftRatio.toFixed(2)}`,
    `${longest.toFixed(0)} ms`,
    Object.entries(attackerCost)
      .map(([what, count]) => `${count} ${what}`)
      .join(', '),
    losses.length === 0 ? 'nothing' : losses.join('; '),
  ]
}
