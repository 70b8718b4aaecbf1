import { tokenId, type TokenId } from '../../base/ids.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import type { DrawHint, Logits } from '../decoder/decoder.ts'
import type { SamplerParams } from '../engine.ts'
import type { GrammarMatcher } from '../grammar/grammar.ts'
import { createAdjustment } from './adjust.ts'
import { createDraw, poolOf, withoutImpossible, type Drawn, type Pool } from './draw.ts'
import { forbid, idsOf } from './mask.ts'
import { seedWords } from './noise.ts'
import { badParameter, checkParams, topKOf } from './params.ts'
import { loadScanner } from './scan.ts'
import { createStopWatch } from './stop-sequences.ts'

/** The margin of a token that the filters, the mask or the vocabulary exclude. @internal */
export const MARGIN_FILTERED = Infinity

/** What an answer's draws depend on besides parameters and seed. */
export interface SamplerContext {
  readonly promptTokens: readonly number[]
  /** The tokens of the answer that are written already: the first draw is for the position after them. */
  readonly priorTokens: readonly number[]
  readonly vocabSize: number
  readonly eosTokens: ReadonlySet<number>
  /** At the start of the answer; the sampler leads it over the prior tokens. It must be there if `params.grammar` is. */
  readonly grammar?: GrammarMatcher | undefined
}

/** Draws, or checks, the tokens of one answer, one position after the other. */
export interface Sampler {
  /** What the device may preselect by for the next token; undefined when all logits are needed. */
  hint(): DrawHint | undefined
  /**
   * Draws the next token and goes on to the next position. Candidates (`logits.ids`) must hold the winner.
   *
   * @throws InfernetError `engine.bad-logits` when a logit is NaN or Infinity, when none is finite, or when their number
   * is wrong
   */
  pick(logits: Logits): TokenId
  /**
   * For a verifier, how far `token` is from the sampler's own choice: the highest score less its score, 0 when it is
   * the choice itself, {@link MARGIN_FILTERED} when it could never be chosen. Then goes on with `token` as the chosen.
   *
   * @param values the logits of the whole vocabulary
   * @throws as `pick`
   */
  margin(values: Float32Array, token: number): number
  /** True when the answer ends with an end token or a stop sequence, or nothing more fits the grammar. */
  readonly isOver: boolean
}

/**
 * The seeded Gumbel-max sampler, normative for the network: the same logits, seed and text so far give the same token
 * everywhere, so that a verifier can redo each draw. SAMPLER.md defines it bit by bit.
 *
 * @throws InfernetError `prompt.bad-parameters`, `engine.bad-token`
 *
 * @example
 * const sampler = createSampler({ temperature: 0.7, topP: 0.95 }, seed, { promptTokens, priorTokens: [], ...model })
 * const token = sampler.pick({ ids: undefined, values })
 */
export function createSampler(params: SamplerParams, seed: Uint8Array, context: SamplerContext): Sampler {
  checkParams(params, seed, context.vocabSize)
  const { temperature, topP, minP = 0 } = params
  const { promptTokens, priorTokens, vocabSize, eosTokens, grammar } = context
  if (params.grammar && !grammar) throw badParameter('grammar')
  const words = temperature > 0 ? seedWords(seed) : ([0, 0, 0, 0] as const)
  const adjustment = createAdjustment(params, promptTokens)
  const draw = createDraw(params, words)
  const stops = createStopWatch(params.stop ?? [])
  const isFiltered = temperature > 0 && (topP < 1 || topKOf(params) !== undefined || minP > 0)
  const needsAll = isFiltered || adjustment !== undefined || grammar !== undefined
  let position = 0
  let isOver = false

  function advance(token: number): void {
    position++
    adjustment?.add(token)
    stops.add(token)
    grammar?.accept(token)
    isOver = eosTokens.has(token) || stops.isStopped || (grammar?.isOver ?? false)
  }
  for (const token of priorTokens) advance(token)

  /** Undefined when the grammar allows no token. */
  function drawNext(values: Float32Array, wanted: number): Drawn | undefined {
    if (values.length !== vocabSize) throw new InfernetError('engine.bad-logits')
    const scanner = loadScanner(values)
    adjustment?.apply(scanner.values)
    if (!grammar) return draw.amongAll(scanner, position, wanted) ?? noneIsFinite()
    if (scanner.findPeaks(CHECK_BLOCK) === -Infinity) return noneIsFinite()
    const allowed = grammar.allowed()
    const ids = idsOf(allowed, vocabSize, FEW)
    if (ids) return amongFew(poolOf(scanner.values, ids), wanted)
    forbid(allowed, scanner.values)
    return draw.amongAll(scanner, position, wanted)
  }

  /** Undefined where none is left when those of -Infinity are gone. */
  function amongFew(pool: Pool, wanted: number): Drawn | undefined {
    const possible = withoutImpossible(pool)
    return possible.ids.length === 0 ? undefined : draw.among(possible, position, wanted)
  }

  return {
    get isOver() {
      return isOver
    },
    hint: () => (needsAll ? undefined : { temperature, position, seedWords: words }),
    pick({ ids, values }) {
      if (ids && (needsAll || ids.length !== values.length || !values.every((z) => z < Infinity)))
        throw new InfernetError('engine.bad-logits')
      const drawn = ids ? (amongFew({ ids, values }, -1) ?? noneIsFinite()) : drawNext(values, -1)
      if (!drawn) throw new InfernetError('engine.grammar-stuck')
      advance(drawn.token)
      return tokenId(drawn.token)
    },
    margin(values, token) {
      const drawn = drawNext(values, token)
      advance(token)
      return drawn && drawn.wantedScore > -Infinity ? drawn.score - drawn.wantedScore : MARGIN_FILTERED
    },
  }
}

/** Logits of a block where only the check for bad ones counts. */
const CHECK_BLOCK = 1024
/** Up to so many allowed tokens are looked at one by one. */
const FEW = 2048

function noneIsFinite(): never {
  throw new InfernetError('engine.bad-logits')
}
