/** A seam as an answer shows it. */
export interface SeamView {
  readonly label: string
  readonly spoken: string
  readonly note: string
}

/** A part of a line. What a mark has been turned into keeps the mark in `source`. */
export type Inline =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'code'; readonly text: string; readonly source: string }
  | { readonly kind: 'seam'; readonly seam: SeamView }

export interface Block {
  readonly kind: 'paragraph' | 'code'
  /** What stands behind the marks of the fence, as a rule the language; empty where nothing does. */
  readonly info: string
  readonly inlines: readonly Inline[]
  /** What was turned into structure before the inlines: a fence, or blank lines at the very beginning. */
  readonly opening: string
  /** And after them: a fence, and the line ends and blank lines that part two blocks. */
  readonly closing: string
}

interface Piece {
  readonly text: string
  readonly seam: SeamView | undefined
}

/** A stretch of the text, by its first character and the one after its last. */
interface Span {
  readonly kind: Block['kind']
  readonly info: string
  readonly at: number
  /** Where what is drawn begins and ends. */
  readonly from: number
  readonly to: number
  readonly end: number
}

/** A fence may be indented, and may stand behind the mark of a list's item. */
const OPENING = /^([ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)+)?[ \t]*(`{3,}(?=[^`\n]*$)|~{3,})([^\n]*)$/
const BLANK = /^[ \t\r]*$/

/**
 * Cuts an answer into paragraphs and code, keeping each seam where it happened.
 *
 * Only two marks are understood, because they change how a text is read: three backquotes or tildes at the beginning of
 * a line fence code off, until as many or the end, and single backquotes set it in a line. Everything else stays as the
 * model wrote it; nothing becomes HTML.
 *
 * No character is lost, whatever the text and wherever it was cut: `sourceOf` of the blocks is the text, to the
 * character. All of it is drawn, in order and with its spaces, but for the marks of a fence, the backquotes of code in
 * a line, and the line ends and blank lines around a block, which are drawn as structure. The words behind a fence are
 * drawn as `info`, without the spaces around them.
 */
export function toBlocks(pieces: readonly Piece[]): Block[] {
  const text = pieces.map((piece) => piece.text).join('')
  const seams = seamsOf(pieces)
  const spans = toSpans(text)
  return spans.map(({ kind, info, at, from, to, end }, i) => {
    const isLast = i === spans.length - 1
    // A seam in a mark stands before what the mark opens; behind everything, it ends the last block.
    const own = seams.filter((seam) => (i === 0 || seam.at >= at) && (isLast || seam.at < end))
    const inlines = withSeams(inlinesOf(kind, text.slice(from, to)), own, from)
    return { kind, info, inlines, opening: text.slice(at, from), closing: text.slice(to, end) }
  })
}

/** The text that the blocks were made from. @internal */
export function sourceOf(blocks: readonly Block[]): string {
  return blocks
    .map(({ opening, inlines, closing }) => opening + inlines.map(written).join('') + closing)
    .join('')
}

function written(inline: Inline): string {
  if (inline.kind === 'seam') return ''
  return inline.kind === 'code' ? inline.source : inline.text
}

interface PlacedSeam {
  readonly at: number
  readonly seam: SeamView
}

function seamsOf(pieces: readonly Piece[]): PlacedSeam[] {
  let at = 0
  const seams: PlacedSeam[] = []
  for (const { text, seam } of pieces) {
    if (seam) seams.push({ at, seam })
    at += text.length
  }
  return seams
}

/** Spans without a gap from the first character to the last; one empty paragraph for no text. */
function toSpans(text: string): Span[] {
  const spans: Span[] = []
  let at = 0
  while (at < text.length || spans.length === 0) {
    const from = at + blankLinesAt(text, at)
    const span = fenceAt(text, from, at) ?? paragraphAt(text, from, at)
    spans.push(span)
    at = span.end
  }
  return spans
}

/** Code from its fence on; undefined where none begins. */
function fenceAt(text: string, from: number, at: number): Span | undefined {
  const first = lineAt(text, from)
  const [, item = '', marks, rest = ''] = OPENING.exec(first) ?? []
  if (marks === undefined || item !== '') return undefined
  const start = Math.min(text.length, from + first.length + 1)
  const span = { kind: 'code' as const, info: rest.trim(), at, from: start }
  const closes = new RegExp(`^[ \\t]*${marks[0] ?? ''}{${marks.length},}[ \\t\\r]*$`)
  for (let line = start; line < text.length;) {
    const words = lineAt(text, line)
    const next = Math.min(text.length, line + words.length + 1)
    // The line end before the fence belongs to the fence.
    if (closes.test(words))
      return { ...span, to: Math.max(start, line - 1), end: next + blankLinesAt(text, next) }
    line = next
  }
  return { ...span, to: text.length, end: text.length }
}

/** Up to a blank line, a fence, or the end. */
function paragraphAt(text: string, from: number, at: number): Span {
  const span = { kind: 'paragraph' as const, info: '', at, from }
  for (let line = from; line < text.length;) {
    const words = lineAt(text, line)
    const fence = OPENING.exec(words)
    const item = fence?.[1] ?? ''
    // The mark of an item is a paragraph of its own, and the fence behind it begins the next block.
    if (fence && (item !== '' || line > from)) {
      const to = line + item.length
      return { ...span, to: item === '' ? line - 1 : to, end: to }
    }
    line += words.length + 1
    const blank = blankLinesAt(text, line)
    if (blank > 0 || line >= text.length)
      return { ...span, to: Math.min(text.length, line - 1), end: Math.min(text.length, line + blank) }
  }
  return { ...span, to: from, end: text.length }
}

function lineAt(text: string, from: number): string {
  const end = text.indexOf('\n', from)
  return end < 0 ? text.slice(from) : text.slice(from, end)
}

/** How many characters of whole blank lines begin there. */
function blankLinesAt(text: string, from: number): number {
  let at = from
  while (at < text.length) {
    const line = lineAt(text, at)
    if (!BLANK.test(line)) break
    at += line.length + 1
  }
  return Math.min(text.length, at) - Math.min(text.length, from)
}

function inlinesOf(kind: Block['kind'], text: string): Exclude<Inline, { kind: 'seam' }>[] {
  if (kind === 'code') return text === '' ? [] : [{ kind: 'text', text }]
  return text
    .split(/(`[^`\n]+`)/)
    .filter((part) => part !== '')
    .map((part) =>
      /^`[^`]+`$/.test(part)
        ? { kind: 'code', text: part.slice(1, -1), source: part }
        : { kind: 'text', text: part },
    )
}

/** Puts each seam between the characters where it happened; one inside of something is where that is cut in two. */
function withSeams(inlines: readonly Inline[], seams: readonly PlacedSeam[], from: number): Inline[] {
  const result: Inline[] = []
  let waiting = [...seams]
  let at = from
  for (let inline of inlines) {
    for (let next = waiting[0]; next && next.at < at + written(inline).length; next = waiting[0]) {
      const [before, after] = cut(inline, Math.max(0, next.at - at))
      if (written(before) !== '') result.push(before)
      result.push({ kind: 'seam', seam: next.seam })
      at += written(before).length
      inline = after
      waiting = waiting.slice(1)
    }
    result.push(inline)
    at += written(inline).length
  }
  return [...result, ...waiting.map(({ seam }): Inline => ({ kind: 'seam', seam }))]
}

function cut(inline: Inline, at: number): [Inline, Inline] {
  if (inline.kind === 'seam') return [inline, inline]
  const source = written(inline)
  const [before, after] = [source.slice(0, at), source.slice(at)]
  if (inline.kind === 'text')
    return [
      { kind: 'text', text: before },
      { kind: 'text', text: after },
    ]
  const bare = (part: string): string => part.replaceAll('`', '')
  return [
    { kind: 'code', text: bare(before), source: before },
    { kind: 'code', text: bare(after), source: after },
  ]
}
