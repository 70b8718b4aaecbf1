import type { LendHold, LendWanted } from '../../state/provide/lend-wanted.svelte.ts'

/** Why nothing is loaded now, and what changes that. */
const HOLDS: Readonly<Record<LendHold, string>> = {
  'in-use': 'Waits until nobody has used this page for two minutes.',
  battery: 'Waits until the device is charged.',
  metered: 'Waits for a connection that is not metered.',
  'line-unknown': 'This browser doesn’t say whether your connection is metered, so nothing is downloaded.',
  'no-network': 'No relay answers. It looks again in about 15 minutes.',
  'nothing-wanted':
    'No model that this page knows and that fits this device is paid for right now. It looks again in about 15 minutes.',
  unaccepted:
    'A model is wanted whose licence you have not accepted. Nothing is loaded before you do: lend it yourself once, or download it on Models.',
  stopped: 'You stopped lending, so nothing starts by itself. Switch lending on, or this off and on again.',
}

/** What the mode does now, under its switch. */
export function lendWantedWords(
  { on, hold, unknowns }: Pick<LendWanted, 'on' | 'hold' | 'unknowns'>,
  lent: string | undefined,
): string {
  if (!on)
    return 'When nobody uses this page, this tab downloads and lends the model that is paid for and has too few providers, but none whose licence you would have to accept first. After a reload it goes on once Provide is opened.'
  const battery = unknowns.battery ? ' This browser doesn’t say whether the device is charged.' : ''
  if (lent) return `It may change from ${lent} to a model that is wanted more.${battery}`
  return `${hold ? HOLDS[hold] : 'It looks for a model within a minute.'}${battery}`
}
