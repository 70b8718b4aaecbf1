import { expect, it } from 'vitest'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { Settings } from '../session/settings.svelte.ts'
import type { GpuInspection } from '../../engine/inspect-gpu.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { APACHE, memoryHome } from '../testing/memory-models.ts'
import { memoryServices } from '../testing/memory-services.ts'
import { GPU, SMOL } from '../testing/samples.ts'
import { Licences } from './licences.ts'
import { Models } from './models.svelte.ts'
import type { HubModel } from './services.ts'

const FOUND: HubModel = {
  repository: 'owner/name',
  revision: 'abc123',
  name: 'Name 1B',
  licence: APACHE,
  precisions: [
    { dtype: 'fp32', bytes: 10_000_000_000 },
    { dtype: 'q4f16', bytes: 500_000_000 },
    { dtype: 'q4', bytes: 600_000_000 },
  ],
}
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve))

function opened(gpu: GpuInspection = GPU, kept?: Map<string, string>, hubUrl?: () => Promise<string>) {
  const { services, settings } = memoryServices(new FakeClock(), { gpu })
  for (const [name, value] of kept ?? []) settings.set(name, value)
  const world = memoryHome()
  const wallet = { address: undefined, entries: [], escrow: undefined, network: undefined }
  const choices = new Settings(services.settings)
  const licences = new Licences(services.settings)
  const models = new Models({
    services,
    home: { ...world.home, ...(hubUrl && { hubUrl }) },
    choices,
    licences,
    wallet,
    running: () => [],
  })
  return { ...world, settings, adding: models.adding!, downloads: models.downloads! }
}

async function found(gpu?: GpuInspection, hub = FOUND) {
  const world = opened(gpu)
  world.adding.name = 'owner/name'
  void world.adding.ask()
  world.questions[0]!.answer(hub)
  await settled()
  return world
}

it('asks the hub for the name as written, with the visitor’s own token, which this browser keeps', async () => {
  const { adding, questions, settings } = opened()
  adding.name = ' owner/name '
  adding.revision = 'v2'
  adding.token = ' hf_secret '
  expect(settings.get('models.hub-token')).toBeUndefined()
  void adding.ask()
  expect(adding.stage).toBe('asking')
  expect(questions[0]!.question).toMatchObject({
    ...{ repository: 'owner/name', revision: 'v2' },
  })
  const { tokenOf } = questions[0]!.question
  expect([tokenOf('https://hub.example'), tokenOf('https://hub.example/')]).toEqual([
    'hf_secret',
    'hf_secret',
  ])
  expect([adding.token, settings.get('models.hub-token')]).toEqual([
    'hf_secret',
    'https://hub.example/ hf_secret',
  ])
  adding.token = undefined
  expect([adding.token, settings.get('models.hub-token')]).toEqual([undefined, ''])
})

it('gives a token to no other hub than that which it was entered for, and shows none there', () => {
  const { adding } = opened(GPU, new Map([['models.hub-token', 'https://hub.example/ hf_secret']]))
  expect(adding.token).toBe('hf_secret')
  for (const other of ['https://other.example', 'http://hub.example', 'https://hub.example/mirror'])
    expect([adding.tokenOf(other), adding.token]).toEqual([undefined, undefined])
  expect([adding.tokenOf('https://hub.example'), adding.token]).toEqual(['hf_secret', 'hf_secret'])
  adding.token = 'hf_other'
  expect(adding.tokenOf('https://other.example')).toBe('hf_other')
  expect(adding.tokenOf('https://hub.example')).toBeUndefined()
})

it('keeps a token as soon as it is entered where the hub is known: a download that waits for it can go on', async () => {
  const { settings, adding } = opened(GPU, undefined, async () => 'https://hub.example')
  adding.token = 'hf_secret'
  await settled()
  expect([settings.get('models.hub-token'), adding.token]).toEqual([
    'https://hub.example/ hf_secret',
    'hf_secret',
  ])
})

it('takes a token of which no hub is known for none: an older page kept it', () => {
  const { adding } = opened(GPU, new Map([['models.hub-token', 'hf_secret']]))
  expect([adding.token, adding.tokenOf('https://hub.example')]).toEqual([undefined, undefined])
})

it('asks nobody for what is no name', async () => {
  const { adding, questions } = opened()
  adding.name = 'just a name'
  await adding.ask()
  expect([adding.isWrongName, adding.stage, questions.length]).toEqual([true, 'name', 0])
})

it('suggests the smallest precision that the GPU takes', async () => {
  const { adding } = await found()
  expect([adding.stage, adding.dtype, adding.bytes]).toEqual(['facts', 'q4f16', 500_000_000])
  expect(FOUND.precisions.map((each) => adding.fit(each)?.on)).toEqual(['nothing', 'gpu', 'gpu'])
  const plain = await found({ ...GPU, halfPrecision: false })
  expect(plain.adding.dtype).toBe('q4')
  const none = await found({
    ...{ ...GPU, label: undefined, largestBufferBytes: 0 },
    problem: new InfernetError('engine.no-webgpu'),
  })
  expect([none.adding.dtype, none.adding.fit(FOUND.precisions[2]!)?.on]).toEqual(['q4f16', 'processor'])
})

it('begins the download only when the licence was accepted, and knows how far it is', async () => {
  const { adding, downloads, fetches } = await found()
  adding.begin()
  expect([adding.stage, downloads.list.length]).toEqual(['facts', 0])
  adding.dtype = 'q4'
  adding.isAccepted = true
  adding.begin()
  expect(fetches[0]!.wanted).toEqual({
    kind: 'hub',
    repository: 'owner/name',
    revision: 'abc123',
    dtype: 'q4',
  })
  expect([adding.stage, adding.download?.stage]).toEqual(['given', 'running'])
  fetches[0]!.finish(SMOL)
  await settled()
  expect([adding.download?.stage, adding.download?.model]).toEqual(['done', SMOL])
  adding.reset()
  expect([adding.stage, adding.name, adding.download, downloads.list.length]).toEqual([
    'name',
    '',
    undefined,
    1,
  ])
})

it('says why the hub gave nothing, and takes another try', async () => {
  const { adding, questions } = opened()
  adding.name = 'owner/name'
  void adding.ask()
  questions[0]!.answer(new InfernetError('models.unavailable', { status: 404 }))
  await settled()
  expect([adding.stage, adding.error?.code]).toEqual(['name', 'models.unavailable'])
  void adding.ask()
  expect([adding.stage, adding.error]).toEqual(['asking', undefined])
})

it('forgets an answer to a question that was taken back', async () => {
  const { adding, questions } = opened()
  adding.name = 'owner/name'
  void adding.ask()
  adding.back()
  expect(questions[0]!.question.signal.aborted).toBe(true)
  adding.name = 'owner/other'
  void adding.ask()
  questions[0]!.answer(FOUND)
  await settled()
  expect([adding.stage, adding.found]).toEqual(['asking', undefined])
})

it('asks at once for a model that a list names, whatever was asked before', async () => {
  const { adding, questions } = await found()
  void adding.lookUp({ repository: 'other/one', revision: undefined })
  expect([adding.stage, adding.found, adding.name]).toEqual(['asking', undefined, 'other/one'])
  expect(questions[1]!.question).toMatchObject({ repository: 'other/one', revision: undefined })
})

it('asks for each model’s licence anew', async () => {
  const { adding, questions } = await found()
  adding.isAccepted = true
  adding.back()
  void adding.ask()
  questions[1]!.answer(FOUND)
  await settled()
  expect(adding.isAccepted).toBe(false)
})
