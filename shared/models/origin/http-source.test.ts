import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../testing/fake-clock.ts'
import { createHttpSource } from './http-source.ts'
import { sourceOf } from './source-of.ts'

interface Asked {
  readonly url: string
  readonly range: string | undefined
  readonly token: string | undefined
}

/** A source over answers that are given in order; it writes down what was asked. */
function sourceOver(answers: readonly Response[], { token, size }: { token?: string; size?: number } = {}) {
  const asked: Asked[] = []
  const left = [...answers]
  const fetch = async (url: URL | RequestInfo, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers)
    const range = headers.get('range') ?? undefined
    asked.push({
      url: url instanceof URL ? url.href : '',
      range,
      token: headers.get('authorization') ?? undefined,
    })
    const answer = left.shift()
    if (!answer) throw new TypeError('fetch failed')
    return answer
  }
  const source = createHttpSource(
    { fetch, clock: new FakeClock() },
    {
      urlOf: (path) => new URL(path, 'https://hub.test/'),
      token,
      ...(size !== undefined && { listed: (path) => ({ path, size }) }),
    },
  )
  return { asked, source }
}

const to = (location: string, headers: Record<string, string> = {}): Response =>
  new Response(null, { status: 302, headers: { location, ...headers } })
const whole = (text: string, headers: Record<string, string> = {}): Response =>
  new Response(text, { headers: { 'content-length': String(text.length), ...headers } })
const part = (text: string, range: string, headers: Record<string, string> = {}): Response =>
  new Response(text, { status: 206, headers: { 'content-range': `bytes ${range}`, ...headers } })

async function read(source: ReturnType<typeof createHttpSource>, offset: number, maxSkipBytes = Infinity) {
  const { offset: from, body } = await source.open('a', { offset, maxSkipBytes })
  return { from, text: Buffer.concat(await Array.fromAsync(body)).toString() }
}

describe('createHttpSource', () => {
  it('keeps the token at its own host, and does not take it up again', async () => {
    const { asked, source } = sourceOver(
      [to('/b'), to('https://cdn.test/c'), to('https://hub.test/d'), whole('text')],
      { token: 'hf_1' },
    )
    expect(await read(source, 0)).toEqual({ from: 0, text: 'text' })
    expect(asked.map(({ url, token }) => [url, token])).toEqual([
      ['https://hub.test/a', 'Bearer hf_1'],
      ['https://hub.test/b', 'Bearer hf_1'],
      ['https://cdn.test/c', undefined],
      ['https://hub.test/d', undefined],
    ])
  })

  it.each([
    ['another port is another host', 'https://hub.test:444/b', 'https://hub.test:444/b'],
    [
      'a name that begins alike is another host',
      'https://hub.test.evil.test/b',
      'https://hub.test.evil.test/b',
    ],
  ])('keeps it there: %s', async (_, location, url) => {
    const { asked, source } = sourceOver([to(location), whole('text')], { token: 'hf_1' })
    await read(source, 0)
    expect(asked[1]).toEqual({ url, token: undefined, range: undefined })
  })

  it.each([
    ['without encryption', 'http://hub.test/b', 'it sends requests on to a place without encryption'],
    ['what is no web address', 'file:///etc/passwd', 'it sends requests on to what is no web address'],
    ['nowhere', 'https://', 'it sends requests on to no place'],
    ['itself', 'https://hub.test/a', 'it sends requests round in a circle'],
  ])('follows to no place %s', async (_, location, reason) => {
    const { asked, source } = sourceOver([to(location), whole('text')])
    await expect(read(source, 0)).rejects.toMatchObject({ code: 'origin.faulty', facts: { reason } })
    expect(asked).toHaveLength(1)
  })

  it.each([
    ['its tag', whole('0123456789', { etag: '"1"' }), part('56789', '5-9/10', { etag: '"2"' })],
    ['its size', whole('0123456789'), part('567', '5-7/8')],
    [
      "the hub's tag of it",
      [to('https://cdn.test/', { 'x-linked-etag': '"1"' }), whole('0123456789')],
      [to('https://cdn.test/', { 'x-linked-etag': '"2"' }), part('56789', '5-9/10')],
    ],
  ])('names a file that changed between two ranges by %s', async (_, first, second) => {
    const { source } = sourceOver([first, second].flat())
    await read(source, 0)
    await expect(read(source, 5)).rejects.toMatchObject({ code: 'origin.changed', facts: { path: 'a' } })
  })

  it('reads on where the whole file came packed, whose tag is another', async () => {
    const { source } = sourceOver([
      whole('0123456789', { etag: '"1-br"', 'content-encoding': 'br', 'content-length': '4' }),
      part('56789', '5-9/10', { etag: '"1"' }),
    ])
    await read(source, 0)
    expect(await read(source, 5)).toEqual({ from: 5, text: '56789' })
  })

  it('reads a file that changed from its beginning again', async () => {
    const { source } = sourceOver([whole('old', { etag: '"1"' }), whole('newer', { etag: '"2"' })])
    await read(source, 0)
    expect(await read(source, 0)).toEqual({ from: 0, text: 'newer' })
  })

  it('tells that a source cannot skip, or refuses where that would be absurd', async () => {
    const { source, asked } = sourceOver([whole('0123456789'), whole('0123456789'), whole('0123456789')])
    expect(await read(source, 9)).toEqual({ from: 0, text: '0123456789' })
    expect(await read(source, 9, 9)).toEqual({ from: 0, text: '0123456789' })
    await expect(read(source, 9, 8)).rejects.toMatchObject({
      code: 'origin.faulty',
      facts: { reason: 'it sends a only from the beginning' },
    })
    expect(asked.map(({ range }) => range)).toEqual(['bytes=9-', 'bytes=9-', 'bytes=9-'])
  })

  it('takes no other part than it asked for', async () => {
    const { source } = sourceOver([part('01234', '0-4/10')])
    await expect(read(source, 5)).rejects.toMatchObject({
      facts: { reason: 'it sends another part than it was asked for' },
    })
  })

  it.each([
    ['is longer', 0, whole('01234567890')],
    ['is shorter', 0, whole('012345678')],
    ['goes on without saying so', 0, new Response('01234567890')],
    ['has another total', 5, part('567890', '5-10/11')],
    ['ends before the place asked for', 5, new Response(null, { status: 416 })],
  ])('reads no file that %s than listed', async (_, offset, answer) => {
    const { source } = sourceOver([answer], { size: 10 })
    await expect(read(source, offset)).rejects.toMatchObject({ code: 'origin.not-as-listed' })
  })

  it('leaves it to the platform where redirects are hidden', async () => {
    const modes: unknown[] = []
    const fetch = async (_: unknown, init?: RequestInit): Promise<Response> => {
      modes.push(init?.redirect)
      return whole('text')
    }
    for (const hidesRedirects of [true, false]) {
      const http = { fetch, clock: new FakeClock(), hidesRedirects }
      await read(sourceOf(http, { kind: 'folder', url: 'https://hub.test' }), 0)
    }
    expect(modes).toEqual(['follow', 'manual'])
  })

  it('ends with the reason of the signal, before and in the middle', async () => {
    const { source } = sourceOver([new Response(new ReadableStream({ pull: () => new Promise(() => {}) }))])
    const early = AbortSignal.abort(new Error('early'))
    await expect(source.open('a', { offset: 0, signal: early })).rejects.toThrow('early')
    const stop = new AbortController()
    const { source: other } = sourceOver([
      new Response(new ReadableStream({ start: (stream) => stream.enqueue(new Uint8Array(3)) })),
    ])
    const { body } = await other.open('a', { offset: 0, signal: stop.signal })
    const iterator = body[Symbol.asyncIterator]()
    await iterator.next()
    const next = iterator.next()
    stop.abort(new Error('enough'))
    await expect(next).rejects.toThrow('enough')
  })
})
