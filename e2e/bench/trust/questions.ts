import { defaultsOf } from '#shared/client/model-defaults.ts'
import type { SamplerParams } from '#shared/engine/engine.ts'
import type { Asked } from '#shared/testing/cheats/checked-answer.ts'
import type { TinyModel } from '#shared/testing/tiny-model.ts'

/** Answers of the bundled model end near 90 tokens; with its end tokens out of reach it goes on. */
const NEVER = -100

const ANIMALS = words('fox owl rabbit bear mouse otter hedgehog cat dog duck turtle frog deer squirrel badger swan lion wolf horse cow pig sheep goat hen penguin whale dragon robot elephant monkey tiger bee') // prettier-ignore
const OBJECTS = words('lantern kite drum map key boat bell scarf mirror clock book feather stone cup telescope whistle ball hat box lamp basket coin ring ladder apple cake wheel camera letter shell candle flag') // prettier-ignore
const FORMS = ['Tell me a story about a _ and a _.', 'Write a short story about a _ and a _.']

/** How a question is to be drawn: at the low temperature at which the page asks this model, or at one that leaves the seed more to say. */
export type Draws = 'page' | 'warm'

const WARM = { temperature: 0.8, topP: 0.95 }

/** How tokens are drawn, without what keeps the end tokens out. */
export function samplerOf(draws: Draws, { manifest }: Pick<TinyModel, 'manifest'>): SamplerParams {
  return draws === 'page' ? defaultsOf(manifest).sampler : WARM
}

/** Question `number`, of which about two thousand differ in their words and all in their seeds. */
export function questionOf(number: number, model: TinyModel, draws: Draws = 'page'): Asked {
  const { tokenizer } = model
  // Steps that share no factor with the lists walk through all pairs.
  const animal = ANIMALS[number % ANIMALS.length] ?? ''
  const object = OBJECTS[Math.floor(number / ANIMALS.length + number) % OBJECTS.length] ?? ''
  const form = FORMS[Math.floor(number / (ANIMALS.length * OBJECTS.length)) % FORMS.length] ?? ''
  const content = form.replace('_', animal).replace('_', object)
  const logitBias = [...tokenizer.eosTokens].map((token) => [token, NEVER] as const)
  return {
    promptTokens: tokenizer.encodeChat([{ role: 'user', content }]),
    sampler: { ...samplerOf(draws, model), logitBias },
    seed: Uint8Array.from({ length: 32 }, (_, i) => (i < 4 ? number >>> (8 * i) : 7 * i)),
  }
}

function words(list: string): readonly string[] {
  return list.split(' ')
}
