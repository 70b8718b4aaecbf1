import { expect, it } from 'vitest'
import { peerName } from '#shared/base/ids.ts'
import { epochMillis } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { Accusation, AccusationState } from '#shared/peer/accusation.ts'
import { someModel } from '#shared/testing/peers.ts'
import { accusedWords, type AccusedWords } from './accused-words.ts'

const NOW = epochMillis(1_800_000_000_000)
const minutesAgo = (minutes: number) => epochMillis(NOW - 60_000 * minutes)

const words = (state: AccusationState, change: Partial<Accusation> = {}, model?: string) =>
  plainSpaces(
    accusedWords(
      {
        ...{
          verifier: peerName('somebody'),
          model: someModel(),
          difference: 'tokens',
          isStaked: false,
          state,
        },
        ...{ class: { backend: 'webgpu', adapter: 'apple metal-3', build: 'x' }, at: minutesAgo(12) },
        ...change,
      },
      { thing: 'GPU', model, now: NOW },
    ),
  )

const plainSpaces = ({ say, ...rest }: AccusedWords): AccusedWords => ({
  ...rest,
  say: say.replace(/\s/g, ' '),
})

it('says who says what and when, and that nobody knows whether it is so', () => {
  const { who, say } = words({ stage: 'waiting' })
  expect(who).toBe('A stranger,')
  expect(say).toBe(
    ', which says that it ran on WebGPU, apple metal-3, signed 12 min ago that an answer of yours is not what the model writes. Whether that is right is not known. A bad driver looks like a cheat, so your GPU tests itself as soon as nobody is being answered.',
  )
})

it('names the model where several are lent, and a stake by whose word it is', () => {
  const { who, say } = words({ stage: 'testing' }, { isStaked: true }, 'SmolLM2 360M')
  expect(who).toBe('A peer with a stake, by the word of relays,')
  expect(say).toContain('that an answer of yours with SmolLM2 360M is not')
})

it('says no time below zero where clocks differ', () => {
  expect(words({ stage: 'testing' }, { at: epochMillis(NOW + 90_000) }).say).toContain('signed 0 s ago')
})

it.each([
  [{ stage: 'resting', until: minutesAgo(-34) }, 'unknown', 'once an hour at most: again in 34 min.'],
  [{ stage: 'testing' }, 'unknown', 'so your GPU tests itself now.'],
  [{ stage: 'passed', at: minutesAgo(3) }, 'ok', 'came out right 3 min ago, and it lends on.'],
  [
    { stage: 'failed', reason: new InfernetError('engine.self-test-failed', { wrong: 2, total: 15 }) },
    'bad',
    'your GPU tested itself: known answers came out wrong, and it lends no more.',
  ],
  [
    { stage: 'undecided', reason: new InfernetError('stream.busy', { running: 2 }) },
    'warn',
    'It is tried again in about an hour.',
  ],
] as const)('says what came of it: %s', (state, kind, end) => {
  const said = words(state)
  expect(said.kind).toBe(kind)
  expect(said.say.endsWith(end), said.say).toBe(true)
})
