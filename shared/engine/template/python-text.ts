import { chatFault } from './template-error.ts'

/** What Python's `str.isspace` calls a space; JavaScript leaves out 0x1c to 0x1f and 0x85, and takes U+FEFF. */
export const SPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000'
const LEADING = new RegExp(`^[${SPACE}]+`)
const TRAILING_SPACE = new RegExp(`[${SPACE}]`)
const LINE_ENDS = /\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/g

type Side = 'both' | 'left' | 'right'

/** `strip`, `lstrip`, `rstrip`: spaces, or any of the characters given. */
export function strip(text: string, side: Side, characters?: string): string {
  if (characters === undefined) {
    const left = side === 'right' ? text : text.replace(LEADING, '')
    return side === 'left' ? left : withoutTrailingSpace(left)
  }
  const all = [...text]
  const unwanted = new Set(characters)
  let [first, end] = [0, all.length]
  if (side !== 'right') while (first < end && unwanted.has(all[first] ?? '')) first++
  if (side !== 'left') while (end > first && unwanted.has(all[end - 1] ?? '')) end--
  return all.slice(first, end).join('')
}

/** A regular expression for the end would try each run of spaces in the text. */
function withoutTrailingSpace(text: string): string {
  let end = text.length
  while (end > 0 && TRAILING_SPACE.test(text[end - 1] ?? '')) end--
  return text.slice(0, end)
}

/** `split` without a separator: runs of spaces part the words. */
function splitWords(text: string, limit: number, fromRight: boolean): string[] {
  const words: string[] = []
  let rest = strip(text, fromRight ? 'right' : 'left')
  while (rest !== '') {
    const word = (fromRight ? LAST_WORD : FIRST_WORD).exec(rest)?.[0] ?? rest
    if (limit >= 0 && words.length >= limit) {
      words.push(rest)
      break
    }
    words.push(word)
    rest = fromRight
      ? strip(rest.slice(0, rest.length - word.length), 'right')
      : strip(rest.slice(word.length), 'left')
  }
  return fromRight ? words.reverse() : words
}
const FIRST_WORD = new RegExp(`^[^${SPACE}]+`)
const LAST_WORD = new RegExp(`[^${SPACE}]+$`)

/** `split` and `rsplit`. Below zero, the limit says nothing. */
export function split(
  text: string,
  separator: string | undefined,
  limit: number,
  fromRight = false,
): string[] {
  if (separator === undefined)
    return limit < 0 ? text.split(ALL_SPACE).filter(Boolean) : splitWords(text, limit, fromRight)
  if (separator === '') throw chatFault('an empty separator')
  const parts = text.split(separator)
  if (limit < 0 || parts.length <= limit + 1) return parts
  return fromRight
    ? [parts.slice(0, parts.length - limit).join(separator), ...parts.slice(parts.length - limit)]
    : [...parts.slice(0, limit), parts.slice(limit).join(separator)]
}
const ALL_SPACE = new RegExp(`[${SPACE}]+`)

export function splitLines(text: string, keepEnds: boolean): string[] {
  const lines: string[] = []
  let begin = 0
  for (const { 0: end, index } of text.matchAll(LINE_ENDS)) {
    lines.push(text.slice(begin, index + (keepEnds ? end.length : 0)))
    begin = index + end.length
  }
  return begin < text.length ? [...lines, text.slice(begin)] : lines
}

/** `partition` and `rpartition`. */
export function partition(text: string, separator: string, fromRight: boolean): [string, string, string] {
  if (separator === '') throw chatFault('an empty separator')
  const at = fromRight ? text.lastIndexOf(separator) : text.indexOf(separator)
  if (at < 0) return fromRight ? ['', '', text] : [text, '', '']
  return [text.slice(0, at), separator, text.slice(at + separator.length)]
}

/** `replace`; an empty text is found before each character and at the end. */
export function replace(text: string, from: string, to: string, count: number): string {
  const parts = from === '' ? ['', ...text, ''] : text.split(from)
  const times = count < 0 ? parts.length - 1 : Math.min(count, parts.length - 1)
  const separator = from
  return (
    parts.slice(0, times + 1).join(to) +
    parts
      .slice(times + 1)
      .map((part) => separator + part)
      .join('')
  )
}

export const capitalize = (text: string): string => {
  const [first = '', ...rest] = text
  return titled(first) + rest.join('').toLowerCase()
}

/** `str.title`: each letter behind something that is none begins a word. */
export function title(text: string): string {
  return text.replace(/\p{L}+/gu, (word) => capitalize(word))
}

/** The four digraphs of Unicode have a form of their own at the beginning of a word. */
const DIGRAPHS: readonly (readonly [members: string, titled: string])[] = [
  ['\u01c4\u01c5\u01c6', '\u01c5'],
  ['\u01c7\u01c8\u01c9', '\u01c8'],
  ['\u01ca\u01cb\u01cc', '\u01cb'],
  ['\u01f1\u01f2\u01f3', '\u01f2'],
]

function titled(character: string): string {
  const digraph = character === '' ? undefined : DIGRAPHS.find(([members]) => members.includes(character))
  if (digraph) return digraph[1]
  const [first = '', ...rest] = character.toUpperCase()
  return first + rest.join('').toLowerCase()
}

export const swapCase = (text: string): string =>
  [...text].map((c) => (c === c.toUpperCase() ? c.toLowerCase() : c.toUpperCase())).join('')

export function pad(text: string, width: number, side: Side, fill = ' '): string {
  if ([...fill].length !== 1) throw chatFault('the fill character must be one')
  const missing = width - [...text].length
  if (missing <= 0) return text
  // Python puts the odd one of two sides to the left where the width is odd.
  const left =
    side === 'right' ? 0 : side === 'left' ? missing : Math.floor(missing / 2) + (missing & width & 1)
  return fill.repeat(left) + text + fill.repeat(missing - left)
}

const ALPHABETIC = /^\p{L}+$/u
const DECIMAL = /^\p{Nd}+$/u
/** Each test of a text, as Python's `str.is...` makes it. */
export const TEXT_TESTS: Readonly<Record<string, (text: string) => boolean>> = {
  isalpha: (text) => ALPHABETIC.test(text),
  isalnum: (text) => /^[\p{L}\p{N}]+$/u.test(text),
  isdecimal: (text) => DECIMAL.test(text),
  isdigit: (text) => /^[\p{Nd}\u00b2\u00b3\u00b9\u2070-\u2079\u2080-\u2089]+$/u.test(text),
  isnumeric: (text) => /^\p{N}+$/u.test(text),
  isspace: (text) => text !== '' && strip(text, 'left') === '',
  isascii: (text) => /^[\0-\x7f]*$/.test(text),
  isidentifier: (text) => /^[\p{L}_][\p{L}\p{N}_]*$/u.test(text),
  islower: (text) => /\p{L}/u.test(text) && text === text.toLowerCase() && text !== text.toUpperCase(),
  isupper: (text) => /\p{L}/u.test(text) && text === text.toUpperCase() && text !== text.toLowerCase(),
  istitle: (text) => /\p{L}/u.test(text) && text === title(text),
}
