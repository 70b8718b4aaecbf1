import { makeCorpus } from '../../verify/audit/corpus/make-corpus.ts'

/** Seeds that it guesses: the generator is public, an auditor's seed is not. */
const GUESSES = 8
/** Words in a row that are compared. */
const RUN = 3
/** What shares so much of its runs with the corpora that it knows is taken for a probe. */
const LEAST_SHARE = 0.6

/**
 * What a cheat can learn from this repository: it makes corpora by seeds that it guesses, and knows the runs of words in
 * them. Of a text that is new to it, it says how much is made of such runs, 0 to 1; one that it knows whole is 1.
 */
export function learnProbes(guesses = GUESSES): (text: string) => number {
  const texts = new Set<string>()
  const runs = new Set<string>()
  for (let guess = 0; guess < guesses; guess++)
    for (const { turns } of makeCorpus(Uint8Array.from({ length: 32 }, (_, i) => guess + 7 * i)))
      for (const turn of turns) {
        texts.add(turn)
        for (const run of runsOf(turn)) runs.add(run)
      }
  return (text) => {
    if (texts.has(text)) return 1
    const own = runsOf(text)
    return own.length === 0 ? 0 : own.filter((run) => runs.has(run)).length / own.length
  }
}

/** Whether any of the turns looks made by the generator. */
export function looksMade(shareOf: (text: string) => number, turns: readonly string[]): boolean {
  return turns.some((turn) => shareOf(turn) >= LEAST_SHARE)
}

function runsOf(text: string): string[] {
  const words = ['', ...(text.toLowerCase().match(/[\p{L}\p{N}']+|[^\s\p{L}\p{N}]/gu) ?? []), '']
  return words.slice(0, 1 - RUN).map((_, at) => words.slice(at, at + RUN).join(' '))
}
