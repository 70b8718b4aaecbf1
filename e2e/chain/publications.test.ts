import type { Hex } from 'viem'
import type { PrivateKeyAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { modelsAbi } from '#shared/abi/models.ts'
import type { ModelHash } from '#shared/base/ids.ts'
import { MIB } from '#shared/base/units.ts'
import { ModelLibrary } from '#shared/client/model-library.ts'
import { MAX_PUBLICATIONS, parsePublications } from '#shared/models/catalogue/publications.ts'
import type { SourcedList } from '#shared/models/catalogue/merge-catalogues.ts'
import { openCatalogue } from '#shared/models/catalogue/signed-catalogue.ts'
import { hashManifest, type Manifest } from '#shared/models/manifest.ts'
import { sourceOf } from '#shared/models/origin/source-of.ts'
import type { Seeding } from '#shared/peer/seeding.ts'
import { digest, makeModel, storeWith } from '#shared/testing/pieces.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { readTinyModel } from '#shared/testing/tiny-model.ts'
import type { Relay } from '../../relay/create-relay.ts'
import { until } from '../../relay/testing/fixtures.ts'
import { OWN_SOCKET, TestNetwork } from '../peers/test-network.ts'
import { findAnvil } from './find-anvil.ts'
import { startTestChain, type TestChain } from './test-chain.ts'

const MODELS_FOLDER = new URL('../../web/public/models', import.meta.url).pathname

describe.skipIf(findAnvil() === undefined)('what publishers claim on a real chain', () => {
  const network = new TestNetwork()
  let chain: TestChain
  let relay: Relay
  let seeding: Seeding
  let tiny: ModelHash
  let lab: PrivateKeyAccount
  let other: PrivateKeyAccount
  let crowd: PrivateKeyAccount
  beforeAll(async () => {
    chain = await startTestChain()
    lab = await chain.account()
    other = await chain.account()
    crowd = await chain.account()
    tiny = hashManifest((await readTinyModel('fp32')).manifest)
    relay = await chain.relay({ modelsFolder: MODELS_FOLDER })
    seeding = await (await network.node({ listen: [OWN_SOCKET], relays: relay.addresses })).seed()
  })
  afterAll(async () => {
    await network[Symbol.asyncDispose]()
    await chain[Symbol.asyncDispose]()
  })

  const contract = () => ({ address: chain.network.contracts.models, abi: modelsAbi }) as const
  const mined = async (hash: Hex): Promise<void> => {
    expect((await chain.client.waitForTransactionReceipt({ hash })).status).toBe('success')
  }
  const publish = async (account: PrivateKeyAccount, model = '', name = '', royaltyBps = 250) => {
    const args = [`0x${model}`, name, 0, royaltyBps, account.address] as const
    await mined(await chain.wallet(account).writeContract({ ...contract(), functionName: 'publish', args }))
  }
  const ask = async (path: string): Promise<string> => (await fetch(new URL(path, relay.httpUrl))).text()
  const claims = async (): Promise<readonly SourcedList[]> =>
    parsePublications(await ask('/publications.json'))
  const hashes = async (): Promise<(ModelHash | undefined)[]> =>
    (await claims()).flatMap(({ entries }) => entries.map(({ precisions }) => precisions[0]?.hash))
  const untilListed = (model: ModelHash | undefined, isListed = true): Promise<void> =>
    until(
      `${model} is ${isListed ? '' : 'not '}listed`,
      async () => (await hashes()).includes(model) === isListed,
    )
  /** What a page makes of the relay's own list and of what publishers claim. */
  const choices = async () => {
    const { entries, signer } = await openCatalogue(await ask('/catalogue.json'))
    const library = new ModelLibrary({
      sources: (origins) =>
        origins.map((origin) => sourceOf({ fetch, clock: realClock }, origin, { baseUrl: relay.httpUrl })),
      digest,
    })
    const proposed: SourcedList = { source: { kind: 'relay', relay: signer }, entries }
    return (await library.list({ lists: [proposed, ...(await claims())], pinned: [], leftOut: [] })).choices
  }
  const seeded = async (id: string, bytes: number): Promise<{ manifest: Manifest; model: ModelHash }> => {
    const { manifest: made, ...rest } = await makeModel({ 'onnx/model.onnx': bytes })
    const manifest = { ...made, id, name: 'By its own words' }
    await seeding.share(manifest, await storeWith({ manifest, ...rest }))
    return { manifest, model: hashManifest(manifest) }
  }
  const contractOf = ({ address }: PrivateKeyAccount, royaltyBps: number) =>
    ({ kind: 'contract', publisher: address.toLowerCase(), royaltyBps }) as const

  /** What is seeded, by its id; the older ones first. */
  const models: Record<string, ModelHash> = {}
  const CROWD = [0, 1, 2, 3, 4, 5].map((n) => `crowd-${n}`)
  beforeAll(async () => {
    for (const [i, id] of ['stranger', 'one', 'two', ...CROWD].entries())
      models[id] = (await seeded(id, 2 * MIB + i)).model
    await publish(lab, tiny, 'lab/better-tiny')
    await publish(lab, models['stranger'], 'lab/stranger', 2000)
    await publish(lab, models['one'], 'twin-1b')
    await publish(other, models['two'], 'twin.1b')
    for (const id of CROWD) await publish(crowd, models[id], id)
    const flooder = await chain.account()
    for (let n = 0; n <= MAX_PUBLICATIONS; n++)
      await publish(flooder, n.toString(16).padStart(64, 'f'), `flood-${n}`)
    for (const id of ['one', 'two', 'stranger', ...CROWD.slice(2)]) await untilListed(models[id])
    await untilListed(tiny)
  }, 60_000)

  test('a claim on what the relay proposes stands beside it and changes nothing', async () => {
    const { entries } = await openCatalogue(await ask('/catalogue.json'))
    const claimed = (await choices()).find(({ model }) => model === tiny)
    expect(claimed?.listed).toMatchObject({
      entry: { name: 'Infernet Tiny', about: entries[0]?.about },
      sources: [{ kind: 'relay', relay: relay.name }, contractOf(lab, 250)],
      otherNames: [{ name: 'lab/better-tiny', source: contractOf(lab, 250) }],
    })
    expect(claimed?.listed.entry.origins).toEqual(entries[0]?.origins)
  })

  test('two publishers of one name are two, each with its address', async () => {
    const twins = (await choices()).filter(({ name }) => name.startsWith('twin'))
    expect(twins.map(({ listed }) => [listed.sharesName, listed.sources])).toEqual([
      [true, [contractOf(other, 250)]],
      [true, [contractOf(lab, 250)]],
    ])
  })

  test('one publisher has four places, of those the newest', async () => {
    const listed = (await hashes()).filter((model) => CROWD.some((id) => models[id] === model))
    expect(listed).toEqual(
      CROWD.slice(2)
        .map((id) => models[id])
        .reverse(),
    )
  })

  test('rubbish has no manifest: none of it is listed, and it takes nobody’s place', async () => {
    const listed = (await claims()).flatMap(({ entries }) => entries.map(({ name }) => name))
    expect(listed).toHaveLength(8)
    expect(listed.filter((name) => name.startsWith('flood'))).toEqual([])
    const path = `/published/${'0'.padStart(64, 'f')}/manifest.fp32.json`
    expect((await fetch(new URL(path, relay.httpUrl))).status).toBe(404)
  })

  test('a model that a peer seeds is known by its manifest, and no longer once nobody does', async () => {
    const model = models['stranger']!
    const found = (await choices()).find((choice) => choice.model === model)
    expect(found).toMatchObject({ name: 'lab/stranger', bytes: 2 * MIB })
    expect(found?.listed).toMatchObject({ sources: [contractOf(lab, 2000)], sharesName: false })
    const args = [`0x${model}`, 700] as const
    await mined(await chain.wallet(lab).writeContract({ ...contract(), functionName: 'lowerRoyalty', args }))
    await until('the lower share is told', async () =>
      (await claims()).some(({ source }) => source.kind === 'contract' && source.royaltyBps === 700),
    )
    seeding.unshare(model)
    await untilListed(model, false)
  })
})
