import type { SamplerParams } from '#shared/engine/engine.ts'

const CREATURES = [
  'fox',
  'dog',
  'cat',
  'bird',
  'bear',
  'frog',
  'girl',
  'boy',
  'mouse',
  'duck',
  'horse',
  'bee',
]
const THINGS = [
  'lantern',
  'ball',
  'tree',
  'boat',
  'hat',
  'river',
  'cake',
  'star',
  'box',
  'flower',
  'bell',
  'kite',
]
const WAYS = [
  (one: string, thing: string) => `Tell me a story about a ${one} and a ${thing}.`,
  (one: string, thing: string) => `Write a story in which a ${one} finds a ${thing}.`,
  (one: string, thing: string) => `What does the ${one} do with the ${thing}?`,
  (one: string, thing: string) => `Tell me about a ${thing} and a brave ${one}.`,
]

/** The ways to draw that people use: hot, usual, filtered, greedy, penalised. */
const SAMPLERS: readonly SamplerParams[] = [
  { temperature: 1, topP: 1 },
  { temperature: 0.7, topP: 0.9 },
  { temperature: 0.8, topP: 1, topK: 40 },
  { temperature: 1, topP: 1, minP: 0.05 },
  { temperature: 0, topP: 1 },
  { temperature: 0.9, topP: 0.95, repetitionPenalty: 1.1, presencePenalty: 0.2 },
]

/** What one answer of a calibration is asked with. */
export interface Asking {
  readonly text: string
  readonly sampler: SamplerParams
  readonly seed: Uint8Array
}

/** The same each time: as many questions as wanted, each with a way to draw and a seed of its own. */
export function askings(count: number): readonly Asking[] {
  return Array.from({ length: count }, (_, i) => {
    const way = WAYS[i % WAYS.length]
    const one = CREATURES[Math.floor(i / WAYS.length) % CREATURES.length] ?? ''
    const thing = THINGS[Math.floor(i / 7) % THINGS.length] ?? ''
    return {
      text: way?.(one, thing) ?? '',
      sampler: SAMPLERS[i % SAMPLERS.length] ?? { temperature: 1, topP: 1 },
      seed: Uint8Array.from({ length: 32 }, (_, byte) => (i * 131 + byte * 17 + (i >> 8)) & 0xff),
    }
  })
}
