/** A stretch of a text: characters that show, or a run of hidden ones in words. */
export type ShownPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'mark'; readonly label: string; readonly says: string }

/**
 * Characters that show nothing of themselves: zero-width ones, marks of direction, fillers, controls. What Unicode calls
 * default ignorable, and the controls, separators and blanks that it leaves out. Tab and line ends show.
 */
const HIDDEN =
  /[\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\0-\x08\v\f\x0e-\x1f\x7f-\x9f\ufff9-\ufffb\u2800]/u

/** Names of the ones that cheat readers; Unicode's own. */
const NAMES: Readonly<Record<string, string>> = {
  '\u00ad': 'soft hyphen',
  '\u061c': 'Arabic letter mark',
  '\u200b': 'zero width space',
  '\u200c': 'zero width non-joiner',
  '\u200d': 'zero width joiner',
  '\u200e': 'left-to-right mark',
  '\u200f': 'right-to-left mark',
  '\u202a': 'left-to-right embedding',
  '\u202b': 'right-to-left embedding',
  '\u202c': 'pop directional formatting',
  '\u202d': 'left-to-right override',
  '\u202e': 'right-to-left override',
  '\u2060': 'word joiner',
  '\u2066': 'left-to-right isolate',
  '\u2067': 'right-to-left isolate',
  '\u2068': 'first strong isolate',
  '\u2069': 'pop directional isolate',
  '\ufeff': 'zero width no-break space',
}

/** Scripts in which letters join, and a joiner or its opposite says how. */
const JOINING =
  /[\p{scx=Arab}\p{scx=Syrc}\p{scx=Nko}\p{scx=Mong}\p{scx=Deva}\p{scx=Beng}\p{scx=Guru}\p{scx=Gujr}\p{scx=Orya}\p{scx=Taml}\p{scx=Telu}\p{scx=Knda}\p{scx=Mlym}\p{scx=Sinh}\p{scx=Khmr}\p{scx=Mymr}]/u
/** Scripts without spaces, where a zero-width one says where a line may end. */
const UNSPACED = /[\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}]/u
const RIGHT_TO_LEFT = /[\p{scx=Hebr}\p{scx=Arab}\p{scx=Syrc}\p{scx=Thaa}\p{scx=Nko}]/u
const PICTURE = /[\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f]/u
/** The flags of England, Scotland and Wales are spelt in letters that do not show. */
const FLAGS = ['gbeng', 'gbsct', 'gbwls'].map((name) => `\u{1f3f4}${tagged(name)}\u{e007f}`)
/** Hidden characters of one run that are named; the rest is counted. */
const NAMED_OF_RUN = 3

/**
 * Puts a visible mark in the place of what a reader would not see, and what could make a text read otherwise than it is
 * written. Where such a character belongs to how a script or an emoji is written, it stays.
 *
 * The parts' texts in order are the text without what is marked.
 */
export function toShownParts(text: string): readonly ShownPart[] {
  if (!HIDDEN.test(text)) return text === '' ? [] : [{ kind: 'text', text }]
  const parts: ShownPart[] = []
  let [plain, run]: [string, string[]] = ['', []]
  const end = (): void => {
    if (plain !== '') parts.push({ kind: 'text', text: plain })
    if (run.length > 0) parts.push(markOf(run))
    ;[plain, run] = ['', []]
  }
  const characters = flagsTogether(text)
  characters.forEach((each, i) => {
    if (isHidden(each, characters[i - 1] ?? '', characters[i + 1] ?? '')) {
      run.push(each)
      return
    }
    if (run.length > 0) end()
    plain += each
  })
  end()
  return parts
}

function isHidden(character: string, before: string, after: string): boolean {
  if (!HIDDEN.test(character) || FLAGS.includes(character)) return false
  switch (character) {
    case '\u200b':
      return !(UNSPACED.test(before) && UNSPACED.test(after))
    case '\u200c':
      return !(JOINING.test(before) && JOINING.test(after))
    case '\u200d':
      return !(
        (JOINING.test(before) && JOINING.test(after)) ||
        // While it is written, the second picture is still to come.
        (PICTURE.test(before) && (PICTURE.test(after) || after === ''))
      )
    case '\u061c':
    case '\u200e':
    case '\u200f':
      return !(RIGHT_TO_LEFT.test(before) || RIGHT_TO_LEFT.test(after))
    case '\u2800':
      return !/[\u2801-\u28ff]/.test(before + after)
    default:
      return !isVariation(character, before)
  }
}

/** A variation selector says which shape of the character before it is meant: of pictures, signs, Han and Mongolian. */
function isVariation(character: string, before: string): boolean {
  if (/[\ufe0e\ufe0f]/.test(character)) return /\p{Emoji}/u.test(before)
  if (/[\ufe00-\ufe0d]/.test(character)) return /[\p{Sm}\p{Script=Han}\p{Script=Mymr}]/u.test(before)
  if (/[\u{e0100}-\u{e01ef}]/u.test(character)) return /\p{Script=Han}/u.test(before)
  return /[\u180b-\u180d\u180f]/.test(character) && /\p{Script=Mong}/u.test(before)
}

function markOf(run: readonly string[]): ShownPart {
  const named = run.slice(0, NAMED_OF_RUN)
  const more = run.length - named.length
  const rest = more > 0 ? ` and ${more} more` : ''
  const names = named.map((each) => NAMES[each] ?? codeOf(each))
  return {
    kind: 'mark',
    label: `${named.map(codeOf).join(' ')}${rest}`,
    says: `Hidden here: ${names.join(', ')}${rest}`,
  }
}

function codeOf(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}

/** By code point, but for the flags that are spelt. */
function flagsTogether(text: string): string[] {
  if (!text.includes('\u{e007f}')) return Array.from(text)
  return text
    .split(new RegExp(`(${FLAGS.join('|')})`, 'u'))
    .flatMap((part) => (FLAGS.includes(part) ? [part] : Array.from(part)))
}

function tagged(name: string): string {
  return Array.from(name, (letter) => String.fromCodePoint(0xe0000 + letter.charCodeAt(0))).join('')
}
