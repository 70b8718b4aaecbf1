import { describe, expect, it } from 'vitest'
import { tokenId, type TokenId } from '../../base/ids.ts'
import type { Decoder, Logits, Sequence, StepInput } from '../decoder/decoder.ts'
import type { Engine, GenerateRequest } from '../engine.ts'
import type { Golden } from '../golden.ts'
import type { Pace } from '../pace.ts'
import { createSampler } from '../sampler/sampler.ts'
import { createSketcher } from '../score/sketch.ts'
import { Batcher, TURN_TOKENS, type BatcherInit } from './batcher.ts'
import { measureWidth } from './measure-width.ts'
import { proveBatch } from './prove-batch.ts'
import { ScoreTask } from './score-task.ts'
import { AnswerTask } from './task.ts'

const VOCAB = 64

/** What happened, in order: `p` and how many tokens were read, `b` and of how many rows, or `s` and how many rows took a step. */
type Event = readonly ['p' | 's', number] | readonly ['b', number, number]

/**
 * A decoder whose next token is a hash of all tokens read, so that any token lost, doubled or swapped between rows shows
 * in the answer. It fails a test that breaks its contract.
 */
function createHashDecoder(
  init: {
    maxRows?: number
    stepMs?: (rows: number) => number
    beginMs?: (rows: number, count: number) => number
  } = {},
) {
  const { maxRows = 8, stepMs = () => 1, beginMs = (rows, count) => rows * count } = init
  const events: Event[] = []
  const alive = new Set<Sequence>()
  const texts = new WeakMap<Sequence, number[]>()
  let clock = 0
  let isBusy = false
  let failure: Error | undefined

  async function call<T>(ms: number, answer: () => T): Promise<T> {
    if (isBusy) throw new Error('two calls at once')
    isBusy = true
    await Promise.resolve()
    isBusy = false
    clock += ms
    if (failure) throw failure
    return answer()
  }
  function read(sequence: Sequence, tokens: readonly number[]): void {
    if (!alive.has(sequence)) throw new Error('used after it was disposed')
    texts.get(sequence)?.push(...tokens)
  }
  function logits(sequence: Sequence): Logits {
    const text = texts.get(sequence) ?? []
    const hash = text.reduce((sum, token) => (Math.imul(sum ^ token, 0x01000193) + 7) >>> 0, 0x811c9dc5)
    const values = Float32Array.from({ length: VOCAB }, (_, v) => (v === 3 + (hash % (VOCAB - 3)) ? 5 : 0))
    return { ids: undefined, values }
  }
  const decoder: Decoder = {
    maxRows,
    cacheBytesPerToken: 10,
    open() {
      const sequence: Sequence = {
        get length() {
          return texts.get(sequence)?.length ?? 0
        },
        dispose: () => void alive.delete(sequence),
      }
      texts.set(sequence, [])
      alive.add(sequence)
      return sequence
    },
    prefill: ((sequence: Sequence, tokens: readonly number[], last?: object) => {
      events.push(['p', tokens.length])
      return call(tokens.length, () => {
        read(sequence, tokens)
        return last ? logits(sequence) : undefined
      })
    }) as Decoder['prefill'],
    begin: (inputs) => {
      const count = inputs[0]?.tokens.length ?? 0
      if (inputs.length > maxRows || inputs.some(({ tokens }) => tokens.length !== count))
        throw new Error('wrong rows')
      if (inputs.some(({ sequence }) => sequence.length > 0)) throw new Error('begun before')
      events.push(['b', count, inputs.length])
      return call(beginMs(inputs.length, count), () =>
        inputs.map(({ sequence, tokens, last }) => {
          read(sequence, tokens)
          return last && logits(sequence)
        }),
      )
    },
    score: (sequence, tokens, from, take) =>
      call(tokens.length, () => {
        tokens.forEach((token, i) => {
          read(sequence, [token])
          if (i >= from) take(logits(sequence).values, i)
        })
      }),
    step: (inputs: readonly StepInput[]) => {
      if (inputs.length > maxRows || new Set(inputs.map(({ sequence }) => sequence)).size < inputs.length)
        throw new Error('wrong rows')
      events.push(['s', inputs.length])
      return call(stepMs(inputs.length), () =>
        inputs.map(({ sequence, token }) => {
          read(sequence, [token])
          return logits(sequence)
        }),
      )
    },
    close: async () => {},
  }
  return { decoder, events, alive, now: () => clock, failWith: (error?: Error) => (failure = error) }
}

type HashDecoder = ReturnType<typeof createHashDecoder>

function createBatcher(fake: HashDecoder, width: number, init: Partial<BatcherInit> = {}, pace?: Pace) {
  const batcher = new Batcher(
    {
      decoder: fake.decoder,
      now: fake.now,
      breathe: () => new Promise((resolve) => setImmediate(resolve)),
      pace,
    },
    {
      maxWaiting: 64,
      cacheBytes: 1e9,
      onBroken: () => undefined,
      dying: new AbortController().signal,
      ...init,
    },
  )
  batcher.setWidth(width)
  return batcher
}

function newTask(fake: HashDecoder, batcher: Batcher, request: Partial<GenerateRequest>): AnswerTask {
  const whole: GenerateRequest = {
    promptTokens: [5, 6, 7],
    priorTokens: [],
    sampler: { temperature: 0, topP: 1 },
    seed: new Uint8Array(0),
    maxTokens: 20,
    ...request,
  }
  const eosTokens = new Set<number>()
  const sampler = createSampler(whole.sampler, whole.seed, { ...whole, vocabSize: VOCAB, eosTokens })
  const task = new AnswerTask({
    request: whole,
    sampler,
    sketcher: undefined,
    eos: eosTokens,
    contextLength: 4096,
    now: fake.now,
    batchMs: 0,
    wake: () => batcher.wake(),
  })
  batcher.add(task)
  return task
}

async function drain(task: AnswerTask): Promise<TokenId[]> {
  const tokens: TokenId[] = []
  for (;;) {
    const batch = await task.pull()
    tokens.push(...batch.tokens)
    if (batch.finish) return tokens
  }
}

/** What the request gives when nothing else runs. */
async function alone(request: Partial<GenerateRequest>): Promise<TokenId[]> {
  const fake = createHashDecoder()
  return drain(newTask(fake, createBatcher(fake, 1), request))
}

const prompt = (length: number, salt = 0) => Array.from({ length }, (_, i) => (i * 7 + salt) % VOCAB)

describe('Batcher', () => {
  it('gives each of many different requests what it would get alone, in fewer steps', async () => {
    const fake = createHashDecoder()
    const batcher = createBatcher(fake, 8)
    const requests = Array.from({ length: 20 }, (_, i) => ({
      promptTokens: prompt(1 + ((i * 37) % 150), i),
      maxTokens: 5 + ((i * 11) % 40),
    }))
    const answers = await Promise.all(requests.map((request) => drain(newTask(fake, batcher, request))))
    for (const [i, request] of requests.entries()) expect(answers[i]).toEqual(await alone(request))
    const tokens = answers.reduce((sum, answer) => sum + answer.length, 0)
    expect(fake.events.filter(([kind]) => kind === 's').length).toBeLessThan(tokens / 3)
    expect(fake.alive.size).toBe(0)
  })

  it('holds up running answers by one small segment of a long prompt at a time', async () => {
    const fake = createHashDecoder()
    const batcher = createBatcher(fake, 4)
    const running = newTask(fake, batcher, { maxTokens: 60 })
    await running.pull()
    const from = fake.events.length
    await Promise.all([drain(running), drain(newTask(fake, batcher, { promptTokens: prompt(1000) }))])
    const events = fake.events.slice(from)
    const reads = events.filter(([kind]) => kind === 'p')
    expect(reads.every(([, count]) => count <= 32)).toBe(true)
    const first = events.findIndex(([kind]) => kind === 'p')
    const whileBoth = events.slice(first, first + 60)
    for (const [i, [kind]] of whileBoth.entries())
      if (kind === 'p') expect(whileBoth[i + 1]?.[0] ?? 's').toBe('s')
  })

  it('begins prompts that wait together, and holds up who writes by one segment at most', async () => {
    const fake = createHashDecoder()
    const batcher = createBatcher(fake, 8)
    const requests = Array.from({ length: 8 }, (_, i) => ({ promptTokens: prompt(20, i), maxTokens: 9 }))
    const answers = await Promise.all(requests.map((request) => drain(newTask(fake, batcher, request))))
    for (const [i, request] of requests.entries()) expect(answers[i]).toEqual(await alone(request))
    expect(fake.events.slice(0, 2)).toEqual([
      ['b', 20, 8],
      ['s', 8],
    ])
    const writing = newTask(fake, batcher, { maxTokens: 60 })
    await writing.pull()
    const from = fake.events.length
    await Promise.all([writing, ...requests.slice(1).map((each) => newTask(fake, batcher, each))].map(drain))
    const reads = fake.events.slice(from).filter(([kind]) => kind !== 's')
    // No more than 128 tokens at once, for one writes by now.
    expect(reads).toEqual([
      ['b', 20, 6],
      ['p', 20],
    ])
  })

  it('begins those together of which the most can be read, long prompts with a small segment of each', async () => {
    const fake = createHashDecoder()
    const batcher = createBatcher(fake, 8)
    const lengths = [1, 200, 100, 4, 60]
    const answers = lengths.map((length) => drain(newTask(fake, batcher, { promptTokens: prompt(length) })))
    for (const [i, length] of lengths.entries())
      expect(await answers[i]).toEqual(await alone({ promptTokens: prompt(length) }))
    expect(fake.events.find(([kind]) => kind === 'b')).toEqual(['b', 32, 3])
  })

  it('reads one after the other again where that proves faster', async () => {
    const fake = createHashDecoder({ beginMs: (rows, count) => 2 * rows * count })
    const batcher = createBatcher(fake, 4)
    for (let round = 0; round < 8; round++)
      await Promise.all([0, 1, 2].map((i) => drain(newTask(fake, batcher, { promptTokens: prompt(20, i) }))))
    const begun = fake.events.filter(([kind]) => kind === 'b').length
    expect(begun).toBe(3)
  })

  it('reads a prompt in large segments when nobody else is there', async () => {
    const fake = createHashDecoder()
    await drain(newTask(fake, createBatcher(fake, 4), { promptTokens: prompt(300), maxTokens: 1 }))
    expect(fake.events).toEqual([
      ['p', 128],
      ['p', 128],
      ['p', 44],
    ])
  })

  it('serves the seventeenth of sixteen, another asker, before any other of the first asker', async () => {
    const fake = createHashDecoder({ maxRows: 4 })
    const batcher = createBatcher(fake, 4)
    const order: string[] = []
    const ask = async (client: string, i: number): Promise<void> => {
      await drain(newTask(fake, batcher, { client, promptTokens: prompt(9, i), maxTokens: 30 }))
      order.push(client)
    }
    await Promise.all([...Array.from({ length: 16 }, (_, i) => ask('much', i)), ask('little', 99)])
    // Four ran when it came; it was let in with the first place that became free.
    expect(order.indexOf('little')).toBeLessThan(8)
    expect(order).toHaveLength(17)
  })

  it('lets a waiting request in after a turn, and goes on with what stepped aside as if nothing had been', async () => {
    const fake = createHashDecoder()
    const batcher = createBatcher(fake, 1)
    const long = { promptTokens: prompt(20), maxTokens: 3 * TURN_TOKENS }
    const short = { promptTokens: prompt(20, 5), maxTokens: 4, client: 'other' }
    const order: string[] = []
    const [first, second] = await Promise.all([
      drain(newTask(fake, batcher, long)).finally(() => order.push('long')),
      drain(newTask(fake, batcher, short)).finally(() => order.push('short')),
    ])
    expect(order).toEqual(['short', 'long'])
    expect(first).toEqual(await alone(long))
    expect(second).toEqual(await alone(short))
    expect(fake.alive.size).toBe(0)
  })

  it('lets in no more than the caches may take, but always one', async () => {
    const fake = createHashDecoder()
    // Ten bytes a token: room for two requests of forty tokens.
    const batcher = createBatcher(fake, 8, { cacheBytes: 900 })
    const ask = (i: number) => drain(newTask(fake, batcher, { promptTokens: prompt(10, i), maxTokens: 30 }))
    await Promise.all([0, 1, 2, 3].map(ask))
    expect(Math.max(...fake.events.filter(([kind]) => kind === 's').map(([, rows]) => rows))).toBe(2)
    const huge = { promptTokens: prompt(10), maxTokens: 300 }
    expect(await drain(newTask(fake, batcher, huge))).toEqual(await alone(huge))
  })

  it('refuses what the queue cannot hold', async () => {
    const fake = createHashDecoder()
    const batcher = createBatcher(fake, 1, { maxWaiting: 2 })
    const tasks = [0, 1, 2].map((i) => newTask(fake, batcher, { promptTokens: prompt(4, i) }))
    expect(() => newTask(fake, batcher, {})).toThrow(expect.objectContaining({ code: 'engine.queue-full' }))
    await Promise.all(tasks.map(drain))
  })

  it('drops one that gives up, running or waiting, and nobody else notices', async () => {
    const fake = createHashDecoder()
    const batcher = createBatcher(fake, 2)
    const tasks = [0, 1, 2, 3].map((i) => newTask(fake, batcher, { promptTokens: prompt(50, i) }))
    const answers = tasks.map((task) => drain(task).catch((error: Error) => error.message))
    await new Promise((resolve) => setImmediate(resolve))
    tasks[0]?.fail(new Error('enough'))
    tasks[3]?.fail(new Error('enough'))
    const [a, b, c, d] = await Promise.all(answers)
    expect([a, d]).toEqual(['enough', 'enough'])
    expect(b).toEqual(await alone({ promptTokens: prompt(50, 1) }))
    expect(c).toEqual(await alone({ promptTokens: prompt(50, 2) }))
    expect(fake.alive.size).toBe(0)
  })

  it('ends those of a step that failed, and serves the next', async () => {
    const fake = createHashDecoder()
    const batcher = createBatcher(fake, 2)
    const running = newTask(fake, batcher, {})
    await running.pull()
    fake.failWith(new Error('std::bad_alloc'))
    await expect(drain(running)).rejects.toMatchObject({ code: 'engine.out-of-memory' })
    fake.failWith(undefined)
    expect(await drain(newTask(fake, batcher, {}))).toEqual(await alone({}))
    expect(fake.alive.size).toBe(0)
  })

  it('does not wait for the end of a rest when it is closed', async () => {
    const fake = createHashDecoder()
    const batcher = createBatcher(fake, 1, {}, { afterStep: () => new Promise(() => undefined) })
    const task = newTask(fake, batcher, {})
    await task.pull()
    task.fail(new Error('closed'))
    await batcher.close()
    expect(fake.alive.size).toBe(0)
  })

  it('scores a text beside an answer, and every token of its own writing has margin 0', async () => {
    const fake = createHashDecoder()
    const batcher = createBatcher(fake, 4)
    const request = { promptTokens: prompt(200), maxTokens: 70 }
    const outputTokens = await drain(newTask(fake, batcher, request))
    const beside = drain(newTask(fake, batcher, {}))
    const params = { temperature: 0, topP: 1 }
    const seed = new Uint8Array(0)
    const context = {
      promptTokens: request.promptTokens,
      priorTokens: [],
      vocabSize: VOCAB,
      eosTokens: new Set<number>(),
    }
    const score = async (tokens: readonly number[]): Promise<number[]> => {
      const asked = { promptTokens: request.promptTokens, outputTokens: tokens, sampler: params, seed }
      const task = new ScoreTask(asked, {
        sampler: createSampler(params, seed, context),
        sketcher: createSketcher(seed, VOCAB),
        wake: () => batcher.wake(),
      })
      batcher.add(task)
      return (await task.done).map(({ margin }) => margin)
    }
    expect(await score(outputTokens)).toEqual(outputTokens.map(() => 0))
    const forged = outputTokens.with(10, outputTokens[10] === 4 ? (9 as TokenId) : (4 as TokenId))
    const margins = await score(forged)
    expect(margins.slice(0, 10)).toEqual(Array(10).fill(0))
    expect(margins[10]).toBe(5)
    expect(await beside).toEqual(await alone({}))
    expect(fake.alive.size).toBe(0)
  })
})

describe('proveBatch', () => {
  const golden: Golden = {
    format: 'infernet/golden/1',
    cases: [
      { prompt: [1], tokens: [4, 4] },
      { prompt: [2], tokens: [4, 4] },
    ],
  }
  const engineOf = (tokenOf: (running: number) => number): Pick<Engine, 'generate'> => {
    let running = 0
    return {
      async *generate() {
        running++
        await new Promise((resolve) => setImmediate(resolve))
        for (const finish of [undefined, 'length'] as const)
          yield { tokens: [tokenId(tokenOf(running))], finish }
      },
    }
  }

  it('takes an engine that is right with many rows, and not one that is right with one alone', async () => {
    expect(
      await proveBatch(
        engineOf(() => 4),
        golden,
        2,
      ),
    ).toBe(true)
    expect(
      await proveBatch(
        engineOf((running) => (running > 1 ? 5 : 4)),
        golden,
        2,
      ),
    ).toBe(false)
  })
})

describe('measureWidth', () => {
  const measure = (stepMs: (rows: number) => number, maxRows = 16) => {
    const fake = createHashDecoder({ maxRows, stepMs })
    return measureWidth(fake.decoder, fake.now)
  }

  it('takes as many rows as write the most', async () => {
    expect(await measure(() => 10)).toMatchObject({ rows: 16, gain: 16 })
    expect(await measure((rows) => (rows > 4 ? 10 * rows : 10))).toMatchObject({ rows: 4, gain: 4 })
  })

  it('stays with one where more are slower, or where there is but one', async () => {
    expect(await measure((rows) => (rows > 1 ? 30 * rows : 10))).toEqual({ rows: 1, gain: 1 })
    expect(await measure(() => 10, 1)).toEqual({ rows: 1, gain: 1 })
  })

  it('gives up on a device that is too slow to try everything', async () => {
    const fake = createHashDecoder({ maxRows: 16, stepMs: () => 5000 })
    expect(await measureWidth(fake.decoder, fake.now)).toMatchObject({ rows: 8 })
    expect(fake.events.filter(([kind]) => kind === 's')).toHaveLength(4)
  })
})
