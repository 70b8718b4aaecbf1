/**
 * The tokens that end an answer: `eos_token_id` of generation_config.json, a number or a list of numbers, or else that
 * of config.json. Both forms are in use on the hub; chat models often list two.
 */
export function eosTokens(
  generationConfig: Readonly<Record<string, unknown>>,
  config: Readonly<Record<string, unknown>> = {},
): ReadonlySet<number> {
  const listed = generationConfig['eos_token_id'] ?? config['eos_token_id']
  const ids: readonly unknown[] = Array.isArray(listed) ? listed : [listed]
  return new Set(ids.filter((id): id is number => Number.isInteger(id)))
}
