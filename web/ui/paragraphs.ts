/** A seam as an answer shows it. */
export interface SeamView {
  readonly label: string
  readonly spoken: string
  readonly note: string
}

type Inline =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'seam'; readonly seam: SeamView }

export type Block =
  | { readonly kind: 'paragraph'; readonly inlines: readonly Inline[] }
  | { readonly kind: 'code'; readonly inlines: readonly Inline[] }

/**
 * Cuts an answer into paragraphs and code, keeping each seam where it happened.
 *
 * Only two marks are understood, because they change how a text is read: three backquotes on a line of their own
 * fence code off, and single ones set it in a line. Everything else stays as the model wrote it; nothing becomes HTML.
 */
export function toBlocks(
  pieces: readonly { readonly text: string; readonly seam: SeamView | undefined }[],
): Block[] {
  const blocks: { kind: Block['kind']; inlines: Inline[] }[] = []
  let open: { kind: Block['kind']; inlines: Inline[] } | undefined
  let fenced = false

  const into = (kind: Block['kind']): { kind: Block['kind']; inlines: Inline[] } => {
    if (!open || open.kind !== kind) {
      open = { kind, inlines: [] }
      blocks.push(open)
    }
    return open
  }
  const close = (): void => {
    open = undefined
  }

  for (const { text, seam } of pieces) {
    if (seam) into(fenced ? 'code' : 'paragraph').inlines.push({ kind: 'seam', seam })
    for (const part of text.split(/(^```[^\n`]*\n?|\n```[^\n`]*\n?|\n[ \t]*\n\s*)/)) {
      if (part === '') continue
      if (/^\n?```/.test(part)) {
        fenced = !fenced
        close()
      } else if (!fenced && /^\n[ \t]*\n\s*$/.test(part)) close()
      else if (fenced) into('code').inlines.push({ kind: 'text', text: part })
      else into('paragraph').inlines.push(...inlineCode(part))
    }
  }
  return blocks.filter((block) =>
    block.inlines.some((inline) => inline.kind === 'seam' || inline.text.trim() !== ''),
  )
}

function inlineCode(text: string): Inline[] {
  return text
    .split(/(`[^`\n]+`)/)
    .filter((part) => part !== '')
    .map((part) =>
      /^`[^`]+`$/.test(part) ? { kind: 'code', text: part.slice(1, -1) } : { kind: 'text', text: part },
    )
}
