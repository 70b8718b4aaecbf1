import type { GrammarSource } from '../engine.ts'
import { Automaton, DEAD, UNKNOWN } from './automaton.ts'
import { checkGrammar } from './check-grammar.ts'
import { addGbnf } from './gbnf.ts'
import { createJsonRules } from './json-rules.ts'
import { addSchema } from './json-schema.ts'
import { GrammarBuilder, type Piece, type Program } from './program.ts'
import { tokenBytes } from './token-bytes.ts'
import { createTokenTrie, type TokenTrie } from './token-trie.ts'

/** Follows one answer through a grammar, token by token. */
export interface GrammarMatcher {
  /**
   * Which tokens may come next: bit `v & 31` of word `v >> 5`. End tokens are among them where the answer may end. To
   * be read before the next call, and not to be changed.
   *
   * @throws InfernetError `engine.bad-grammar` when the grammar takes more to follow than one token is worth
   */
  allowed(): Uint32Array
  /** Goes on with `token`. Once a token that was not allowed has come, nothing is allowed any more. */
  accept(token: number): void
  /** True when the answer is complete and nothing but an end token could follow. */
  readonly isOver: boolean
}

/** The tokens of a model as a grammar sees them. Made once per model: it takes a while and some megabytes. */
export interface GrammarVocabulary {
  readonly trie: TokenTrie
  readonly eosTokens: ReadonlySet<number>
}

/** @throws InfernetError `models.unsupported` when the tokenizer's tokens have no fixed bytes */
export function createGrammarVocabulary(
  tokenizerJson: Readonly<Record<string, unknown>>,
  vocabSize: number,
  eosTokens: ReadonlySet<number>,
): GrammarVocabulary {
  const bytes = tokenBytes(tokenizerJson, vocabSize)
  for (const token of eosTokens) bytes[token] = ''
  return { trie: createTokenTrie(bytes), eosTokens }
}

/** A grammar that was read and checked; it can be followed from the start any number of times. */
export interface Grammar {
  match(vocabulary: GrammarVocabulary): GrammarMatcher
}

/**
 * Reads the form that an answer must have. GRAMMAR.md defines which answers fit.
 *
 * It is made for strangers' input: the size of the grammar, the depth of what fits it, and the work for one token are
 * bounded, and what exceeds a bound is refused by name.
 *
 * @throws InfernetError `engine.bad-grammar`, with one word for the reason; `prompt.bad-parameters` when it is too long
 *
 * @example
 * const matcher = compileGrammar({ kind: 'json' }).match(vocabulary)
 * const sampler = createSampler(params, seed, { ...context, grammar: matcher })
 */
export function compileGrammar(source: GrammarSource): Grammar {
  checkGrammar(source)
  const builder = new GrammarBuilder()
  const root = rootOf(builder, source)
  const program = builder.build('rule' in root ? root.rule : 0)
  return { match: (vocabulary) => createMatcher(program, vocabulary) }
}

function rootOf(builder: GrammarBuilder, source: GrammarSource): Piece {
  switch (source.kind) {
    case 'json':
      return createJsonRules(builder).any
    case 'json-schema':
      return addSchema(builder, createJsonRules(builder), source.schema)
    case 'gbnf':
      return addGbnf(builder, source.grammar)
  }
}

/** Masks kept for states that come again, as inside a long text: at most so many bytes. */
const MAX_MASK_BYTES = 2 ** 22

function createMatcher(program: Program, { trie, eosTokens }: GrammarVocabulary): GrammarMatcher {
  const automaton = new Automaton(program)
  const words = Math.ceil(trie.vocabSize / 32)
  const maxMasks = Math.max(1, Math.floor(MAX_MASK_BYTES / (words * 4)))
  const masks = new Map<number, Uint32Array>()
  const walks = new Map<number, Walk>()
  let state = automaton.start()
  let isEnded = false
  let generation = automaton.generation

  function maskOf(from: number): Uint32Array {
    const { inner, outer } = automaton.split(from)
    const { mask, exits } = remembered(walks, inner, () => walk(program, automaton, trie, inner))
    const whole = mask.slice()
    if (outer !== DEAD) for (const node of exits) walkBelow(program, automaton, trie, outer, node, whole)
    if (automaton.canEnd(from)) for (const token of eosTokens) setBit(whole, token)
    return whole
  }

  function remembered<Value>(known: Map<number, Value>, key: number, make: () => Value): Value {
    const found = known.get(key)
    if (found !== undefined) return found
    if (known.size >= maxMasks) known.clear()
    const made = make()
    known.set(key, made)
    return made
  }

  /** Must come before a state is looked at: it may get another number. */
  function refresh(): void {
    state = automaton.refresh(state)
    if (automaton.generation === generation) return
    generation = automaton.generation
    masks.clear()
    walks.clear()
  }

  return {
    get isOver() {
      return isEnded || automaton.mustEnd(state)
    },
    allowed() {
      if (isEnded || state === DEAD) return new Uint32Array(words)
      refresh()
      return remembered(masks, state, () => maskOf(state))
    },
    accept(token) {
      if (isEnded || state === DEAD) {
        state = DEAD
        return
      }
      refresh()
      if (eosTokens.has(token)) {
        isEnded = automaton.canEnd(state)
        if (!isEnded) state = DEAD
        return
      }
      const bytes = trie.bytes[token] ?? ''
      if (bytes === '') state = DEAD
      for (let i = 0; i < bytes.length && state !== DEAD; i++)
        state = automaton.next(state, bytes.charCodeAt(i))
    },
  }
}

/** What a walk through all tokens found. */
interface Walk {
  readonly mask: Uint32Array
  /** The nodes of the tree at which what was read can be complete. */
  readonly exits: readonly number[]
}

/** All tokens that fit from a state. */
function walk(program: Program, automaton: Automaton, trie: TokenTrie, from: number): Walk {
  const mask = new Uint32Array(Math.ceil(trie.vocabSize / 32))
  const exits: number[] = []
  walkBelow(program, automaton, trie, from, ROOT, mask, exits)
  return { mask, exits }
}

/** The node above the first. */
const ROOT = -1

/** Goes through the tokens below a node of the tree and through the grammar side by side. */
function walkBelow(
  program: Program,
  automaton: Automaton,
  trie: TokenTrie,
  from: number,
  top: number,
  mask: Uint32Array,
  exits?: number[],
): void {
  const { byte, depth, after, firstToken, tokens, maxDepth } = trie
  const { classOf, classCount } = program
  const base = top === ROOT ? 0 : (depth[top] ?? 0)
  const end = top === ROOT ? byte.length : (after[top] ?? 0)
  const stateAt = new Int32Array(maxDepth - base + 1)
  stateAt[0] = from
  let { table } = automaton
  for (let node = top + 1; node < end;) {
    const at = (depth[node] ?? 1) - base
    const before = stateAt[at - 1] ?? DEAD
    let next = table[before * classCount + (classOf[byte[node] ?? 0] ?? 0)] ?? UNKNOWN
    if (next === UNKNOWN) {
      next = automaton.next(before, byte[node] ?? 0)
      table = automaton.table
    }
    if (next === DEAD) {
      node = after[node] ?? end
      continue
    }
    stateAt[at] = next
    const last = firstToken[node + 1] ?? 0
    for (let i = firstToken[node] ?? 0; i < last; i++) setBit(mask, tokens[i] ?? 0)
    node++
    if (exits && node < (after[node - 1] ?? 0) && automaton.canEnd(next)) exits.push(node - 1)
  }
}

function setBit(mask: Uint32Array, token: number): void {
  mask[token >>> 5] = (mask[token >>> 5] ?? 0) | (1 << (token & 31))
}
