import { afterEach, expect, it } from 'vitest'
import { createEngine } from '#shared/engine/create-engine.ts'
import { createStandingEngine } from '#shared/engine/standing-engine.ts'
import { hashManifest, type Dtype } from '#shared/models/manifest.ts'
import { ProviderShelf } from '#shared/peer/provider-shelf.ts'
import { provideModel } from '#shared/peer/provide-model.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { readTinyModel, wasmComponents } from '#shared/testing/tiny-model.ts'
import { hear, OWN_SOCKET, promptOf, TestNetwork } from './test-network.ts'

const network = new TestNetwork()
afterEach(() => network[Symbol.asyncDispose]())

const DTYPES = ['fp32', 'q4'] as const satisfies readonly Dtype[]

it('one provider lends two models on one engine, loads the one that is asked for, and says so beforehand', async () => {
  const models = await Promise.all(DTYPES.map((dtype) => readTinyModel(dtype)))
  const byHash = new Map(models.map((model) => [hashManifest(model.manifest), model]))
  const [full, small] = [...byHash.keys()]
  if (!full || !small) throw new Error('two precisions are two models')
  const loads: string[] = []
  const shelf = new ProviderShelf(
    {
      clock: realClock,
      async load(model, { signal }) {
        const { manifest, files } = byHash.get(model)!
        loads.push(model)
        const components = await wasmComponents(files)
        const start = (ending: AbortSignal) => createEngine(components, { manifest }, { signal: ending })
        return createStandingEngine({ clock: realClock, start }, {}, { signal })
      },
    },
    { minStayMs: 1 },
  )
  network.defer(() => shelf.stop())
  const relay = await network.relay()
  const provider = await network.node({ listen: [OWN_SOCKET], relays: relay.addresses })
  const consumer = await network.node({ relays: relay.addresses })
  for (const model of [full, small]) await shelf.add(model, { tier: 'disk' })
  for (const model of [full, small])
    provideModel(provider.peer, shelf.engineOf(model), { place: shelf.placeOf(model) })
  const tiers = async () =>
    new Map((await consumer.peer.look()).offers.map(({ offer }) => [offer.model, offer.tier]))
  await expect.poll(tiers).toEqual(
    new Map([
      [full, 'disk'],
      [small, undefined],
    ]),
  )

  const { tokenizer } = models[0]!
  const promptTokens = tokenizer.encodeChat([{ role: 'user', content: 'What is 2 plus 3?' }])
  const asked = async (model: typeof full) => {
    const sampler = { temperature: 0, topP: 1 }
    const { events, tokens } = await hear(
      consumer.peer,
      promptOf({ model, promptTokens, sampler, maxTokens: 12, eosTokens: [...tokenizer.eosTokens] }),
    )
    expect(tokens.length).toBeGreaterThan(0)
    return events.map(({ type }) => type).filter((type) => type === 'loading' || type === 'assigned')
  }
  expect(await asked(small), 'it is there').toEqual(['assigned'])
  expect(await asked(full), 'it is loaded first').toEqual(['loading', 'assigned'])
  expect(await asked(full), 'and stays').toEqual(['assigned'])
  expect(loads).toEqual([full, small, full])
  await expect.poll(tiers).toEqual(
    new Map([
      [full, undefined],
      [small, 'disk'],
    ]),
  )
})
