import { afterEach, expect, it, vi } from 'vitest'
import { readSmallFile } from '#shared/models/read-small-file.ts'
import { sourcesOf, urlsOf, type OriginPlaces } from './origin-sources.ts'

const places: OriginPlaces = {
  hubUrl: async () => 'https://hub.example',
  baseUrl: () => 'https://relay.example/under/ask',
  tokenOf: (hubUrl) => (hubUrl === 'https://hub.example' ? 'hf_mine' : undefined),
}
const hub = { kind: 'hub', repository: 'some-lab/Small', revision: 'a'.repeat(40) } as const
const beside = { kind: 'folder', url: '/models/small/' } as const
const elsewhere = { kind: 'folder', url: 'https://other.example/small/' } as const

afterEach(() => vi.unstubAllGlobals())

it('places files beside the page, elsewhere, and at the hub at its commit', async () => {
  expect(await urlsOf([beside, elsewhere, hub], places)).toEqual([
    'https://relay.example/under/models/small/',
    'https://other.example/small/',
    `https://hub.example/some-lab/Small/resolve/${'a'.repeat(40)}/`,
  ])
})

it('asks each place for itself, and shows the token to the hub alone', async () => {
  const seen: [string, string | null][] = []
  vi.stubGlobal('fetch', async (url: URL, { headers }: RequestInit) => {
    seen.push([new URL(url).host, new Headers(headers).get('authorization')])
    return new Response('{}')
  })
  for (const source of sourcesOf([beside, elsewhere, hub], places))
    await readSmallFile(source, 'config.json', 100)
  expect(seen).toEqual([
    ['relay.example', null],
    ['other.example', null],
    ['hub.example', 'Bearer hf_mine'],
  ])
})

it.each([
  [401, undefined, 'origin.not-found', {}],
  [401, 'GatedRepo', 'origin.gated', { repository: 'some-lab/Small', hasToken: true }],
  [403, undefined, 'origin.gated', { repository: 'some-lab/Small', hasToken: true }],
])('a hub that refuses with %s %s is told in its own words', async (status, code, error, facts) => {
  const headers = code === undefined ? {} : { 'x-error-code': code }
  vi.stubGlobal('fetch', async () => new Response('no', { status, headers }))
  const [source] = sourcesOf([hub], places)
  await expect(readSmallFile(source!, 'config.json', 100)).rejects.toMatchObject({ code: error, facts })
  const [folder] = sourcesOf([beside], places)
  await expect(readSmallFile(folder!, 'config.json', 100)).rejects.toMatchObject({
    code: 'models.unavailable',
    facts: { status },
  })
})
