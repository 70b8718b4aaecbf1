import { describe, expect, it } from 'vitest'
import { chainAddress, modelHash, peerName, type PeerName } from '../base/ids.ts'
import { baseUnits, millis, tokens } from '../base/units.ts'
import { raceSignal, sleep } from '../base/wait.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { Prompt } from '../prompt/prompt.ts'
import type { Assignment } from '../schedule/assignment.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { pricePerToken } from '../testing/prices.ts'
import { askRedundant } from './ask-redundant.ts'
import type { ask, AskOptions } from './ask.ts'
import { OneOfTwo } from './one-of-two.ts'
import type { AnswerEvent, AnswerSummary, BegunAnswer, Segment } from './peer.ts'
import type { SearchComponents } from './provider-search.ts'

const prompt: Prompt = {
  task: 'text-generation',
  model: modelHash('a1'.repeat(32)),
  promptTokens: [1, 2, 3],
  sampler: { temperature: 1, topP: 1 },
  maxTokens: 64,
  maxOutputPrice: undefined,
}
const [A, B] = ['a', 'b'].map((letter) =>
  peerName(`12D3KooWqQ1fG8tVxkz5RzH3mYb7LwN2cPdEsUaJ9o${letter.repeat(6)}`),
)
const SEED = new Uint8Array(32).fill(7)

function segmentOf(provider: PeerName, count: number, due = 10n): Segment {
  return {
    ...{ provider, operator: undefined, kind: 'tab', backend: 'wasm', path: 'webrtc' },
    ...{ rttMs: millis(5), price: pricePerToken(1n, 1n), from: 0, chunks: 1, tokensPerSecond: 10 },
    ...{ tokens: tokens(count), signedTokens: tokens(count), isUsageDisputed: false },
    ...{ due: baseUnits(due), paid: baseUnits(0n) },
  }
}

/** What one provider does, in order: waits, writes tokens, fails; it ends after the last. */
type Step =
  | { readonly afterMs: number }
  | { readonly writes: readonly number[] }
  | { readonly signs: number }
  | { readonly waits: InfernetError }
  | { readonly fails: InfernetError }

function scripted(clock: FakeClock, first: readonly Step[], second: readonly Step[]) {
  const asked: AskOptions[] = []
  const limits: unknown[] = []
  const askOne: typeof ask = async function* (_, { maxCost }, options) {
    asked.push(options)
    limits.push(maxCost)
    const provider = (asked.length === 1 ? A : B)!
    let count = 0
    const script = asked.length === 1 ? first : second
    yield { type: 'searching', attempt: 1 }
    if (!script.some((step) => 'waits' in step))
      yield {
        type: 'assigned',
        position: options.begun?.tokens.length ?? 0,
        segment: segmentOf(provider, 0),
        seed: options.begun?.seed ?? SEED,
      }
    for (const step of script) {
      if ('fails' in step) throw step.fails
      if ('afterMs' in step) {
        await raceSignal(
          sleep(clock, millis(step.afterMs), { signal: options.signal }),
          options.signal,
        ).catch(() => {
          throw new InfernetError('stream.cancelled')
        })
        continue
      }
      if ('signs' in step) {
        const segment = { ...segmentOf(provider, count), signedTokens: tokens(step.signs) }
        yield { type: 'chunk', index: 1, due: baseUnits(10n), segment }
        continue
      }
      if ('waits' in step) {
        yield { type: 'waiting', reason: step.waits }
        continue
      }
      count += step.writes.length
      yield { type: 'tokens', tokens: step.writes }
    }
    const summary: AnswerSummary = {
      ...{ finish: 'stop', segments: [segmentOf(provider, count)], promptTokens: tokens(3) },
      ...{ outputTokens: tokens(count), due: baseUnits(10n), paid: baseUnits(0n) },
      ...{ ttftMs: millis(0), tokensPerSecond: 1 },
    }
    yield { type: 'done', summary }
    return summary
  }
  return { asked, askOne, limits }
}

/** Asks two with these scripts; `clock` moves when it is told to. */
function hearTwo(
  first: readonly Step[],
  second: readonly Step[],
  { begun, maxCost }: { readonly begun?: BegunAnswer; readonly maxCost?: bigint } = {},
) {
  const clock = new FakeClock()
  const { asked, askOne, limits } = scripted(clock, first, second)
  const told: { readonly at: number; readonly event: AnswerEvent }[] = []
  const options = { signal: undefined, except: new Set<never>(), begun }
  const asks = maxCost === undefined ? prompt : { ...prompt, maxCost: baseUnits(maxCost) }
  const asking = (async () => {
    for await (const event of askRedundant({ clock } as unknown as SearchComponents, asks, options, askOne))
      told.push({ at: clock.monotonic(), event })
  })()
  const ended = asking.then(
    () => 'done',
    (thrown: unknown) => (thrown as InfernetError).code,
  )
  const of = <T extends AnswerEvent['type']>(type: T) =>
    told.flatMap(({ event }) => (event.type === type ? [event as Extract<AnswerEvent, { type: T }>] : []))
  return { clock, asked, limits, told, of, ended, text: () => of('tokens').flatMap((event) => event.tokens) }
}
const writes = (...ids: number[]): Step => ({ writes: ids })
const after = (afterMs: number): Step => ({ afterMs })

describe('two answers of one seed', () => {
  it('are asked with the seed of the first, and told once, each token when the first of them has it', async () => {
    const heard = hearTwo(
      [writes(1), after(100), writes(2, 3)],
      [after(10), writes(1, 2), after(500), writes(3)],
    )
    await heard.clock.advance(1000)
    expect(await heard.ended).toBe('done')
    expect(heard.asked.map(({ begun }) => begun?.seed)).toEqual([undefined, SEED])
    const tokenTimes = heard.told.flatMap(({ at, event }) =>
      event.type === 'tokens' ? [[at, event.tokens]] : [],
    )
    expect(tokenTimes).toEqual([
      [0, [1]],
      [10, [2]],
      [100, [3]],
    ])
    expect(heard.of('compared')).toEqual([{ type: 'compared', tokens: 3, same: true }])
    const [done] = heard.of('done')
    expect(done?.summary).toMatchObject({ due: 20n, segments: [{ provider: A }], second: [{ provider: B }] })
    expect(heard.told.map(({ event }) => event.type).slice(-2)).toEqual(['compared', 'done'])
  })

  it.each([
    [
      'the first was ahead',
      [writes(1, 2, 3), after(100), writes(4)],
      [after(10), writes(1, 9)],
      [1, 2, 3, 4],
      [A, B],
    ],
    [
      'the second was ahead',
      [writes(1), after(100), writes(9)],
      [after(10), writes(1, 2, 3)],
      [1, 2, 3],
      [B, A],
    ],
    ['the first ended sooner', [writes(1)], [after(10), writes(1, 2, 3)], [1], [A, B]],
    ['the second ended sooner', [writes(1), after(100), writes(2)], [after(10), writes(1)], [1], [B, A]],
    [
      'the first ended, and the second had gone on',
      [after(20), writes(1)],
      [writes(1, 2), after(50), writes(3)],
      [1, 2, 3],
      [B, A],
    ],
  ] as const)('part, and the text is of one of them alone: %s', async (_, first, second, text, providers) => {
    const heard = hearTwo(first, second)
    await heard.clock.advance(1000)
    expect(await heard.ended).toBe('done')
    expect(heard.text()).toEqual(text)
    const [parted, ...more] = heard.of('parted')
    expect(more).toEqual([])
    expect(parted?.providers).toEqual(providers)
    expect(heard.of('compared')).toEqual([{ type: 'compared', tokens: 1, same: false }])
    expect(heard.asked[providers[0] === A ? 1 : 0]?.signal?.aborted, 'the other one is stopped').toBe(true)
    expect(heard.of('done')[0]?.summary.segments).toMatchObject([{ provider: providers[0] }])
  })

  it('stop the one that is not in the text when it has signed where they part, or after ten seconds', async () => {
    const stopped = async (second: readonly Step[]) => {
      const heard = hearTwo([writes(1, 2, 3), after(100)], [after(10), ...second, after(10 * 60_000)])
      await heard.clock.advance(5000)
      const early = heard.asked[1]?.signal?.aborted
      await heard.clock.advance(6000)
      expect(await heard.ended).toBe('done')
      expect(heard.of('parted')).toMatchObject([{ position: 1, providers: [A, B] }])
      return early
    }
    expect(await stopped([writes(1, 9), after(50), { signs: 1 }]), 'the block ends before').toBe(false)
    expect(await stopped([writes(1, 9), after(50), { signs: 2 }])).toBe(true)
    expect(await stopped([writes(1, 9)])).toBe(false)
  })

  it('wait a minute for the slower one to be compared, and no longer', async () => {
    const heard = hearTwo([writes(1, 2)], [writes(1), after(10 * 60_000), writes(2)])
    await heard.clock.advance(59_000)
    expect(heard.of('compared')).toEqual([])
    await heard.clock.advance(2000)
    expect(await heard.ended).toBe('done')
    expect(heard.of('compared')).toMatchObject([
      { tokens: 1, same: true, reason: { code: 'stream.cancelled' } },
    ])
  })

  it('wait for no second one where nobody is there for it', async () => {
    const reason = new InfernetError('stream.busy')
    const heard = hearTwo([writes(1, 2), after(50)], [after(20), { waits: reason }, after(10 * 60_000)])
    await heard.clock.advance(1000)
    expect(await heard.ended).toBe('done')
    expect(heard.of('waiting'), 'the text does not wait').toEqual([])
    expect(heard.of('compared')).toMatchObject([{ tokens: 0, same: true }])
    const later = hearTwo([writes(1, 2)], [after(20), { waits: reason }, after(10 * 60_000)])
    await later.clock.advance(1000)
    expect(await later.ended).toBe('done')
  })

  it('go on alone where the other one fails, and fail where both do', async () => {
    const lost = new InfernetError('stream.provider-lost')
    const first = hearTwo([writes(1), { fails: lost }], [after(10), writes(1, 2)])
    await first.clock.advance(1000)
    expect(await first.ended).toBe('done')
    expect(first.text()).toEqual([1, 2])
    expect(first.of('done')[0]?.summary).toMatchObject({
      segments: [{ provider: B }],
      second: [{ provider: A }],
    })
    const both = hearTwo([{ fails: lost }], [{ fails: new InfernetError('stream.busy') }])
    await both.clock.advance(1000)
    expect(await both.ended).toBe('stream.provider-lost')
  })
})

describe('two answers that go on with one that was stopped', () => {
  const seed = new Uint8Array(32).fill(9)
  const before = segmentOf(peerName('before'), 2, 7n)
  const begun: BegunAnswer = { tokens: [1, 2], seed, segments: [before] }

  it('begin both where it was stopped, and compare what comes then', async () => {
    const heard = hearTwo([writes(3), after(20), writes(4)], [after(10), writes(3, 4)], { begun })
    await heard.clock.advance(1000)
    expect(await heard.ended).toBe('done')
    expect(heard.asked.map((each) => [each.begun?.tokens, each.begun?.seed])).toEqual([
      [[1, 2], seed],
      [[1, 2], seed],
    ])
    expect(heard.text()).toEqual([3, 4])
    expect(heard.of('compared')).toEqual([{ type: 'compared', tokens: 2, same: true }])
  })

  it.each([
    ['the first', [writes(3, 4, 5)], [after(10), writes(3, 9)], A, B],
    ['the second', [writes(3), after(50), writes(9)], [after(10), writes(3, 4, 5)], B, A],
    [
      'the second, as the first was lost',
      [writes(3), { fails: new InfernetError('stream.provider-lost') }],
      [after(10), writes(3, 4)],
      B,
      A,
    ],
  ] as const)(
    'count what it had cost, and who had written it, once: the text is of %s',
    async (_, one, two, kept, other) => {
      const heard = hearTwo(one, two, { begun })
      await heard.clock.advance(1000)
      expect(await heard.ended).toBe('done')
      const { segments, second, due } = heard.of('done')[0]?.summary ?? {}
      expect(segments?.map(({ provider }) => provider)).toEqual([before.provider, kept])
      expect(second?.map(({ provider }) => provider)).toEqual([other])
      expect(due).toBe(27n)
      for (const event of heard.of('second'))
        expect(event.due, 'what it had cost with it').toBeGreaterThanOrEqual(7n)
    },
  )

  it('may cost no more than was left of its limit', async () => {
    const heard = hearTwo([writes(3)], [writes(3)], { begun, maxCost: 47n })
    await heard.clock.advance(1000)
    expect(heard.limits).toEqual([20n, 20n])
    const none = hearTwo([writes(3)], [writes(3)], { begun, maxCost: 5n })
    await none.clock.advance(1000)
    expect(none.limits).toEqual([0n, 0n])
  })
})

describe('who may be the second provider', () => {
  const model = { model: prompt.model } as const
  const offerOf = (provider: PeerName, operator?: string, address = '/ip4/127.0.0.1/tcp/1'): Assignment =>
    ({
      offer: { ...model, provider, addresses: [address] },
      quote: { quote: { payment: operator && { operator: chainAddress(`0x${operator.repeat(40)}`) } } },
    }) as unknown as Assignment
  function firstAt(assignment: Assignment): OneOfTwo {
    const one = new OneOfTwo([])
    one.mayHave(assignment, new OneOfTwo([]))
    one.take({ type: 'assigned', position: 0, segment: segmentOf(assignment.offer.provider, 0), seed: SEED })
    return one
  }

  it.each([
    ['another one, both for nothing', offerOf(A!), offerOf(B!), true],
    ['the same one', offerOf(A!), offerOf(A!), false],
    ['one of another operator', offerOf(A!, '1'), offerOf(B!, '2'), true],
    ['one of the same operator', offerOf(A!, '1'), offerOf(B!, '1'), false],
    [
      'one in the same network',
      offerOf(A!, '1', '/ip4/203.0.113.4/tcp/1'),
      offerOf(B!, '2', '/ip4/203.0.113.5/tcp/1'),
      false,
    ],
    [
      'one in another network',
      offerOf(A!, '1', '/ip4/203.0.113.4/tcp/1'),
      offerOf(B!, '2', '/ip4/203.0.114.4/tcp/1'),
      true,
    ],
  ])('is %s: %#', (_, first, second, may) => {
    expect(new OneOfTwo([]).mayHave(second, firstAt(first))).toBe(may)
  })

  it('is anybody again when the first one is lost', () => {
    const one = firstAt(offerOf(A!))
    one.take({ type: 'seam', position: 0, lost: A!, reason: new InfernetError('stream.silent') })
    expect(new OneOfTwo([]).mayHave(offerOf(A!), one)).toBe(true)
  })
})
