import type { SamplerParams } from '../../../engine/engine.ts'
import { typeLikeAPerson } from './habits.ts'
import { pickKind, writeFirst, writeFollowUp, type CorpusKind } from './kinds.ts'
import { SeededChoice } from './seeded-choice.ts'
import { SYSTEMS } from './words.ts'

/** A chat to ask a provider with, as one of its ordinary askers would. */
export interface CorpusPrompt {
  readonly kind: CorpusKind
  /** What stands before the chat. */
  readonly system: string | undefined
  /** What the person types, one after the other; each but the first comes after the answer to the one before. */
  readonly turns: readonly string[]
  /** @default what the model's page would take, as most people do */
  readonly maxTokens: number | undefined
  /** @default likewise */
  readonly sampler: SamplerParams | undefined
}

/** Prompts that an auditor makes for itself. @internal */
export const CORPUS_PROMPTS = 2048

/**
 * Prompts that look like traffic, all different: questions, stories, code, lists, beginnings, texts to be rewritten,
 * sums, small talk, and chats that go on.
 *
 * @param seed 16 random bytes or more: who knows the seed knows the prompts, so that each auditor has its own, and keeps
 * it
 *
 * @example
 * const corpus = makeCorpus(random.bytes(32))
 */
export function makeCorpus(seed: Uint8Array, count = CORPUS_PROMPTS): readonly CorpusPrompt[] {
  const choice = new SeededChoice(seed)
  const corpus = new Map<string, CorpusPrompt>()
  while (corpus.size < count) {
    const prompt = makePrompt(choice)
    corpus.set(prompt.turns.join('\n'), prompt)
  }
  return [...corpus.values()]
}

function makePrompt(choice: SeededChoice): CorpusPrompt {
  const kind = pickKind(choice)
  const turns = [typeLikeAPerson(writeFirst(kind, choice), choice)]
  // A chat ends after each answer with the same chance.
  while (choice.chance(0.22) && turns.length < 4) turns.push(typeLikeAPerson(writeFollowUp(choice), choice))
  return {
    ...{ kind, turns },
    system: choice.chance(0.08) ? choice.pick(SYSTEMS) : undefined,
    maxTokens: choice.chance(0.2) ? choice.pick([64, 100, 128, 150, 200, 256, 300, 512]) : undefined,
    sampler: choice.chance(0.2) ? makeSampler(choice) : undefined,
  }
}

/** Round numbers, as people and programs give them. */
function makeSampler(choice: SeededChoice): SamplerParams {
  return {
    temperature: choice.pick([0, 0, 0.1, 0.2, 0.5, 0.7, 0.7, 0.8, 0.9, 1, 1]),
    topP: choice.pick([1, 1, 0.9, 0.9, 0.95, 0.8]),
    ...(choice.chance(0.2) && { topK: choice.pick([20, 40, 50]) }),
    ...(choice.chance(0.1) && { minP: 0.05 }),
    ...(choice.chance(0.15) && { repetitionPenalty: choice.pick([1.05, 1.1, 1.2]) }),
  }
}
