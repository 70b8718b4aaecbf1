import { InfernetError } from '../../errors/infernet-error.ts'
import type { SamplerParams } from '../engine.ts'
import { checkGrammar } from '../grammar/check-grammar.ts'

/** Bytes of a seed. The key and the upper half of the counter take the first 16. */
const SEED_BYTES = 32

/** The bounds of the parameters, both ends included, here and on the wire. */
export const SAMPLER_BOUNDS = {
  temperature: [0, 2],
  topP: [0, 1],
  /** Not above 0 keeps all tokens, as in llama.cpp (0) and vLLM (0 and -1). */
  topK: [-1, 1024],
  minP: [0, 1],
  repetitionPenalty: [0.5, 2],
  presencePenalty: [-2, 2],
  frequencyPenalty: [-2, 2],
  bias: [-100, 100],
} as const
/** As many as OpenAI's interface takes. */
export const MAX_BIASED_TOKENS = 300
export const MAX_STOPS = 8
export const MAX_STOP_TOKENS = 16

/**
 * @throws InfernetError `prompt.bad-parameters` naming the first parameter that is out of range, `engine.bad-token`
 *   when a biased token is not in the vocabulary
 */
export function checkParams(params: SamplerParams, seed: Uint8Array, vocabSize = Infinity): void {
  const { temperature, topP, minP = 0, topK } = params
  if (!isWithin(temperature, SAMPLER_BOUNDS.temperature)) throw badParameter('temperature')
  if (!isWithin(topP, SAMPLER_BOUNDS.topP)) throw badParameter('topP')
  if (topK !== undefined && !(Number.isInteger(topK) && isWithin(topK, SAMPLER_BOUNDS.topK)))
    throw badParameter('topK')
  if (!isWithin(minP, SAMPLER_BOUNDS.minP)) throw badParameter('minP')
  for (const name of ['repetitionPenalty', 'presencePenalty', 'frequencyPenalty'] as const) {
    const value = params[name]
    if (value !== undefined && !isWithin(value, SAMPLER_BOUNDS[name])) throw badParameter(name)
  }
  checkBias(params, vocabSize)
  checkStops(params)
  checkGrammar(params.grammar)
  if (temperature > 0 && seed.length !== SEED_BYTES) throw badParameter('seed')
}

function checkBias({ logitBias = [] }: SamplerParams, vocabSize: number): void {
  const seen = new Set<number>()
  for (const [token, bias] of logitBias) {
    if (!isWithin(bias, SAMPLER_BOUNDS.bias) || seen.has(token)) throw badParameter('logitBias')
    seen.add(token)
    if (!Number.isInteger(token) || token < 0 || token >= vocabSize)
      throw new InfernetError('engine.bad-token', { token, vocabSize })
  }
  if (logitBias.length > MAX_BIASED_TOKENS) throw badParameter('logitBias')
}

function checkStops({ stop = [] }: SamplerParams): void {
  const areGood = stop.every((sequence) => sequence.length > 0 && sequence.length <= MAX_STOP_TOKENS)
  if (stop.length > MAX_STOPS || !areGood) throw badParameter('stop')
}

function isWithin(value: number, [least, most]: readonly [number, number]): boolean {
  return value >= least && value <= most
}

/** How many of the likeliest tokens top-k keeps; undefined when it is off. */
export function topKOf({ topK }: Pick<SamplerParams, 'topK'>): number | undefined {
  return topK !== undefined && topK > 0 ? topK : undefined
}

export function badParameter(parameter: string): InfernetError {
  return new InfernetError('prompt.bad-parameters', { parameter })
}
