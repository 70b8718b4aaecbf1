interface Node {
  readonly next: Map<string, Node>
  /** The word that ends here. */
  word?: string
}

export interface FoundWord {
  readonly word: string
  readonly start: number
}

/** Finds words in a text: from the left, and of two that begin at one place the longer one. */
export function createWordFinder(words: Iterable<string>): (text: string) => FoundWord[] {
  const root: Node = { next: new Map() }
  for (const word of words) insert(root, word)
  return (text) => {
    const found: FoundWord[] = []
    for (let start = 0; start < text.length;) {
      const word = longestAt(root, text, start)
      if (word !== undefined) found.push({ word, start })
      start += word?.length ?? 1
    }
    return found
  }
}

function insert(root: Node, word: string): void {
  let node = root
  for (const unit of word.split('')) {
    const next: Node = node.next.get(unit) ?? { next: new Map() }
    node.next.set(unit, next)
    node = next
  }
  if (node !== root) node.word = word
}

function longestAt(root: Node, text: string, start: number): string | undefined {
  let word: string | undefined
  let node: Node | undefined = root
  for (let at = start; at < text.length; at++) {
    node = node.next.get(text.charAt(at))
    if (!node) break
    word = node.word ?? word
  }
  return word
}
