import { MAX_PHRASE_CHARACTERS, MAX_PHRASES, type RefusalRule } from '#shared/client/refusal-rule.ts'
import { clip } from '#shared/base/text-bounds.ts'
import { plural } from '../../ui/format.ts'

/** How many of the lines that are not used are named. */
const SHOWN_LINES = 3
const SHOWN_CHARACTERS = 24

/** Why some lines do not count; undefined where all do. */
export function leftOutWords({ leftOut }: RefusalRule): string | undefined {
  if (leftOut.length === 0) return undefined
  const named = leftOut.slice(0, SHOWN_LINES).map((line) => `“${shortened(line)}”`)
  const others = leftOut.length - named.length
  const more = others > 0 ? ` and ${plural(others, 'other line')}` : ''
  return `Not used: ${named.join(', ')}${more}. There is room for ${MAX_PHRASES} lines of ${MAX_PHRASE_CHARACTERS} characters, each with a letter or a digit.`
}

/** What the rule has done, as far as it is known here. */
export function refusedWords({ phrases }: RefusalRule, count: number): string {
  if (count > 0) return `${plural(count, 'text')} refused since you switched on.`
  return phrases.length > 0 ? 'Nothing refused so far.' : 'Nothing is refused.'
}

function shortened(line: string): string {
  const short = clip(line, SHOWN_CHARACTERS)
  return short === line ? line : `${short}…`
}
