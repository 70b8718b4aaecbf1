import type { AddedToken } from './added-tokens.ts'
import { createWordFinder } from './word-finder.ts'

/** What stands between two added tokens, or an added token. */
export type Section = { readonly text: string } | { readonly token: AddedToken }

/** Cuts a text at tokens; those that take the spaces beside them do so. */
export function createSplitter(
  tokens: readonly AddedToken[],
  written = (token: AddedToken) => token.content,
) {
  const byText = new Map(tokens.map((token) => [written(token), token]))
  const find = createWordFinder(byText.keys())
  return (text: string): Section[] => {
    const sections: Section[] = []
    let at = 0
    let isStripped = false
    const push = (end: number, isLast?: AddedToken): void => {
      let part = text.slice(at, end)
      if (isStripped) part = part.trimStart()
      if (isLast?.lstrip) part = part.trimEnd()
      if (end > at) sections.push({ text: part })
    }
    for (const { word, start } of find(text)) {
      const token = byText.get(word)
      if (!token) continue
      push(start, token)
      sections.push({ token })
      at = start + word.length
      isStripped = token.rstrip
    }
    push(text.length)
    return sections
  }
}
