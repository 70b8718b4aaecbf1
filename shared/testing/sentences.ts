import type { Codes } from '../errors/codes/entry.ts'

/** The rows of one home as people read them: with the facts of their example, what to do, and without any fact. */
export function sentencesOf(codes: Codes): string {
  const rows = Object.entries(codes).map(([code, { says, fix, example }]) => {
    const [full, bare] = [says(example), says({})]
    return [code, `  ${full}`, ...(bare === full ? [] : [`  bare: ${bare}`]), `  fix: ${fix}`].join('\n')
  })
  return `\n${rows.join('\n')}\n`
}
