import type { Unigram } from '@huggingface/tokenizers'
import type { TextBudget } from './text-budget.ts'

const STEPS_PER_LETTER = 4
/** What a word found in a text costs beside its letters. */
const STEPS_PER_WORD = 16
/** What two words side by side cost when the best way through a text is looked for. */
const STEPS_PER_PAIR = 8

interface TrieNode {
  readonly is_leaf: boolean
  readonly children: ReadonlyMap<string, TrieNode>
}

interface Lattice {
  readonly begin_nodes: readonly (readonly unknown[])[]
  readonly end_nodes: readonly (readonly unknown[])[]
}

interface Parts {
  trie: {
    readonly root: TrieNode
    common_prefix_search(characters: readonly string[], start?: number): Iterable<string>
  }
  populate_nodes(lattice: Lattice): void
}

/** With words of one letter each longer than the last, a text of some pages would fill the memory. */
export function boundUnigram(model: Unigram, budget: TextBudget): void {
  const parts = model as unknown as Parts
  const { trie } = parts
  const populate = parts.populate_nodes.bind(parts)

  trie.common_prefix_search = (characters, start = 0) => {
    const found: string[] = []
    let node: TrieNode | undefined = trie.root
    let prefix = ''
    for (let at = start; at < characters.length; at++) {
      const character = characters[at] ?? ''
      prefix += character
      node = node.children.get(character)
      budget.spend(STEPS_PER_LETTER)
      if (!node) break
      if (!node.is_leaf) continue
      budget.spend(STEPS_PER_WORD + prefix.length)
      found.push(prefix)
    }
    return found
  }

  parts.populate_nodes = (lattice) => {
    populate(lattice)
    lattice.begin_nodes.forEach((begins, at) => {
      budget.spend(STEPS_PER_PAIR * begins.length * (lattice.end_nodes[at]?.length ?? 0))
    })
  }
}
