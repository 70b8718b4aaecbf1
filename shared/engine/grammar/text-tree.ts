import { literal } from './byte-sets.ts'
import { type GrammarBuilder, type Piece, type Sequence } from './program.ts'

/** Texts as a tree of common beginnings, so that a long list does not mean as many readings. */
export function tree(builder: GrammarBuilder, texts: readonly string[]): Piece {
  const groups = Map.groupBy(texts, ([first = '']) => first)
  return builder.rule(
    ...[...groups].map(([first, group]): Sequence => {
      if (first === '') return []
      const begin = commonBeginning(group)
      if (group.length === 1) return literal(begin)
      return [
        ...literal(begin),
        tree(
          builder,
          group.map((text) => text.slice(begin.length)),
        ),
      ]
    }),
  )
}

/** In whole characters. */
function commonBeginning(texts: readonly string[]): string {
  let begin = [...(texts[0] ?? '')]
  for (const text of texts) {
    const characters = [...text]
    const differs = begin.findIndex((character, i) => character !== characters[i])
    if (differs >= 0) begin = begin.slice(0, differs)
  }
  return begin.join('')
}
