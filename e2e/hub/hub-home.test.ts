import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { errorLine } from '#shared/errors/error-line.ts'
import { manifestBytes } from '#shared/models/manifest.ts'
import { FileStore } from '#shared/models/store/file-store.ts'
import { LocalLocks, type Release, type StoreLocks } from '#shared/models/store/store-locks.ts'
import { MemoryDisk } from '#shared/testing/memory-disk.ts'
import { nodeDigest as digest } from '#shared/testing/model-file.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import type { FetchProgress } from '../../web/state/models/services.ts'
import { HubHome, type HubWanted } from '../../web/state/shell/hub-home.ts'
import type { OwnModel } from '../../web/storage/own-models.ts'
import { addFromHub, type HubWorker } from '../../web/weights/add-from-hub.ts'
import { createHubHost } from '../../web/weights/hub-host.ts'
import type { HubOrder, HubReport } from '../../web/weights/hub-messages.ts'
import type { KeptRecord } from '../../web/weights/kept-models.ts'
import { fastClock, GATED, LEVEL_4, NO_TOKENIZER, OWN_LICENCE, PLAIN, startHubTrial } from './hub-trial.ts'
import { MEMBER_TOKEN, type LocalHub } from './local-hub.ts'

let trial: Awaited<ReturnType<typeof startHubTrial>>
let hub: LocalHub
let commit: string
const ports: MessagePort[] = []
beforeAll(async () => {
  trial = await startHubTrial()
  hub = trial.hub
  commit = trial.repositories.find(({ name }) => name === PLAIN)?.commit ?? ''
})
afterAll(() => trial.stop())
afterEach(() => {
  for (const port of ports.splice(0)) port.close()
  return trial.reset()
})

/** A page's home over one disk, whose workers are the other ends of real channels. */
function openHome({ disk = new MemoryDisk(), quota = 1e9 } = {}) {
  const clock = fastClock()
  const locks = new LocalLocks()
  const store = new FileStore({ device: disk.device(), locks, digest, clock: realClock })
  const [owned, records] = [new Map<string, OwnModel>(), new Map<string, KeptRecord>()]
  const kept = {
    list: async () => [...records.values()],
    put: async (record: KeptRecord) => void records.set(record.model, record),
    remove: async (model: string) => void records.delete(model),
    floor: async () => 0,
    setFloor: async () => undefined,
  }
  const own = {
    list: async () => [...owned.values()],
    put: async (model: OwnModel) => void owned.set(model.entry.id, model),
    remove: async (id: string) => void owned.delete(id),
  }
  const http = { fetch, clock }
  const startWorker = (): HubWorker => {
    const { port1, port2 } = new MessageChannel()
    // A worker that is ended asks for nothing more, and holds no lock.
    const life = new AbortController()
    const mortal: typeof fetch = (url, init) =>
      fetch(url, { ...init, signal: AbortSignal.any([life.signal, ...(init?.signal ? [init.signal] : [])]) })
    const held = new Set<Release>()
    const holding = (release: Release): Release => (held.add(release), release)
    const mortalLocks: StoreLocks = {
      acquire: async (...lock) => holding(await locks.acquire(...lock)),
      tryAcquire: async (...lock) => {
        const release = await locks.tryAcquire(...lock)
        return release && holding(release)
      },
    }
    ports.push(port1, port2)
    createHubHost(
      {
        postMessage: (report) => port2.postMessage(report),
        onMessage: (listener) => void port2.on('message', (order: HubOrder) => listener(order)),
      },
      { clock, fetch: mortal, locks: mortalLocks, digest, openDevice: async () => disk.device() },
    )
    return {
      postMessage: (order) => port1.postMessage(order),
      onMessage: (listener) => void port1.on('message', (report: HubReport) => listener(report)),
      onError: () => undefined,
      terminate() {
        life.abort()
        port1.close()
        for (const release of held) release()
      },
    }
  }
  const storage = { estimate: async () => ({ quota, usage: disk.usedBytes }) }
  const home = new HubHome({
    ...{ http, clock, own, kept },
    hubUrl: async () => hub.url,
    room: { store, kept, locks, clock, storage },
    add: (wanted, options) => addFromHub(wanted, options, startWorker),
    entryOf: () => undefined,
  })
  const onlyHere = (token: string | undefined) => (hubUrl: string) => (hubUrl === hub.url ? token : undefined)
  const ask = (repository: string, token?: string) =>
    home.lookUp({
      repository,
      revision: undefined,
      tokenOf: onlyHere(token),
      signal: new AbortController().signal,
    })
  const progress: FetchProgress[] = []
  const fetchIt = (
    wanted: Partial<HubWanted> = {},
    { token, signal }: { token?: string; signal?: AbortSignal } = {},
  ) =>
    home.fetch(
      { kind: 'hub', repository: PLAIN, revision: commit, dtype: 'fp32', ...wanted },
      {
        ...{ originsOnly: false, tokenOf: onlyHere(token), signal: signal ?? new AbortController().signal },
        onProgress: (each) => progress.push(each),
        onEvicted: () => undefined,
      },
    )
  return { home, store, ask, fetchIt, progress, owned, records, disk }
}
const words = (work: Promise<unknown>) => work.then(() => 'nothing', errorLine)

describe('what a hub says of a model', () => {
  it('is its commit, its licence and each precision with its size, and nothing is loaded', async () => {
    const found = await openHome().ask(PLAIN)
    const { manifest } = await trial.add({ dtype: 'q4' })
    expect(found).toEqual({
      repository: PLAIN,
      revision: commit,
      name: 'Llama 3.2 Small',
      licence: { id: 'apache-2.0', link: undefined, mayPassOn: true, isGated: false },
      precisions: [
        { dtype: 'fp32', bytes: expect.any(Number) as number },
        { dtype: 'q4', bytes: manifestBytes(manifest) },
      ],
    })
    hub.set({})
    await openHome().ask(PLAIN)
    expect(hub.sentBytes).toBe(0)
  })

  it('tells at once whether a token opens what is gated, and what a licence of its own is called', async () => {
    const { ask } = openHome()
    expect(await words(ask(GATED))).toContain('only to accounts that accepted its terms')
    expect(await words(ask(GATED, 'hf_stranger'))).toContain(
      'does not give some-lab/Gated to the account of this token',
    )
    expect((await ask(GATED, MEMBER_TOKEN)).licence).toMatchObject({
      id: 'llama3.2',
      isGated: true,
      mayPassOn: false,
    })
    expect((await ask(OWN_LICENCE)).licence).toMatchObject({
      id: 'some-licence',
      link: 'LICENSE',
      mayPassOn: false,
    })
    expect(hub.tokensAtStorage).toBe(0)
  })

  it('says in words why a repository cannot be added', async () => {
    const { ask } = openHome()
    expect(await words(ask('some-lab/Nowhere'))).toContain('there is none or it is private')
    expect(await words(ask(NO_TOKENIZER))).toContain('has no tokenizer.json')
    hub.set({ page: 'listing' })
    expect(await words(ask(PLAIN))).toContain('sends a web page')
  })
})

describe('a model of a hub in a tab', () => {
  it('gets the name that it has everywhere, is whole in the store, and is one of the visitor’s own', async () => {
    const { fetchIt, store, owned, records, progress } = openHome()
    const elsewhere = await trial.add()
    hub.set({})
    expect(await fetchIt()).toBe(elsewhere.hash)
    const bytes = manifestBytes(elsewhere.manifest)
    expect(hub.sentBytes, 'each byte came once').toBe(bytes)
    for (const file of elsewhere.manifest.files) {
      const again: number[] = []
      expect(await store.isWhole(file, { onBytes: (count) => again.push(count) })).toBe(true)
      if (file.path.endsWith('.onnx')) expect(again, 'it is noted as whole').toEqual([])
    }
    expect(progress.at(-1)).toEqual({ totalBytes: bytes, keptBytes: 0, fromPeers: 0, fromOrigins: bytes })
    expect([...owned.values()]).toMatchObject([
      {
        manifest: elsewhere.manifest,
        entry: {
          name: 'Llama 3.2 Small',
          licence: { id: 'apache-2.0', mayPassOn: true },
          origins: [{ kind: 'hub', repository: PLAIN, revision: commit }],
          precisions: [{ dtype: 'fp32', hash: elsewhere.hash }],
        },
      },
    ])
    expect([...records.values()]).toMatchObject([{ model: elsewhere.hash, isPinned: false, revenue: 0 }])
    expect(records.get(elsewhere.hash)?.files).toHaveLength(elsewhere.manifest.files.length)
  })

  it('goes on after a pause with what has come, and takes a second precision’s tokenizer from the first', async () => {
    const { fetchIt, progress, owned, records, disk } = openHome()
    hub.set({ silent: 'file' })
    const pause = new AbortController()
    const pausing = fetchIt({}, { signal: pause.signal })
    const grownName = () => [...disk.files.keys()].find((name) => name.endsWith('.part') && name.length > 60)
    const grown = () => disk.files.get(grownName() ?? '')
    await expect.poll(() => grown()?.bytes.length).toBeGreaterThanOrEqual(2 ** 20)
    pause.abort(new DOMException('the visitor paused', 'AbortError'))
    await expect(pausing).rejects.toBe(pause.signal.reason)
    expect(owned.size).toBe(0)
    const [noted] = records.values()
    expect(noted).toMatchObject({ name: PLAIN, comingSince: expect.any(Number) as number })
    expect(noted?.files.map(({ sha256 }) => `${sha256}.part`)).toContain(grownName())
    progress.length = 0
    hub.set({})
    const hash = await fetchIt()
    expect(progress.at(-1)?.keptBytes).toBeGreaterThan(1e6)
    expect([...records.keys()]).toEqual([hash])
    const other = await fetchIt({ dtype: 'q4' })
    expect(other).not.toBe(hash)
    expect(owned.size).toBe(2)
    const tokenizer = [...owned.values()][0]?.manifest?.files.find(({ path }) => path === 'tokenizer.json')
    expect(progress.at(-1)?.keptBytes).toBe(tokenizer?.size)
  })

  it('let go gives its room back, but for what another model has', async () => {
    const { home, fetchIt, records, disk } = openHome()
    const other = await fetchIt({ dtype: 'q4' })
    const before = [...disk.files.keys()]
    const parts = () => [...disk.files.keys()].filter((name) => /^[0-9a-f]{64}\.part$/.test(name))
    hub.set({ silent: 'file' })
    const pause = new AbortController()
    const pausing = fetchIt({}, { signal: pause.signal })
    await expect.poll(() => disk.files.get(parts()[0] ?? '')?.bytes.length).toBeGreaterThan(2 ** 19)
    pause.abort(new DOMException('the visitor paused', 'AbortError'))
    await expect(pausing).rejects.toBe(pause.signal.reason)
    expect([records.size, parts()]).toEqual([2, [expect.any(String)]])
    await home.letGo({ kind: 'hub', repository: PLAIN, revision: commit, dtype: 'fp32' })
    expect([...records.keys()]).toEqual([other])
    expect(parts()).toEqual([])
    expect([...disk.files.keys()]).toEqual(expect.arrayContaining(before))
  })

  it('loads nothing where there is no room for it', async () => {
    const { fetchIt } = openHome({ quota: 1e6 })
    await expect(fetchIt()).rejects.toMatchObject({ code: 'models.no-space' })
    expect(hub.sentBytes).toBe(0)
  })

  it.each([
    [{ truncates: 9 }, {}, 'ended after'],
    [{ changes: true, truncates: 1 }, {}, 'changed'],
    [{ page: 'file' }, {}, 'sends a web page in place of'],
    [{ wrongHash: true }, {}, 'sent other bytes'],
    [{ circle: true }, {}, 'in a circle'],
    [{ busy: { times: 99, headers: {} } }, {}, 'takes no more requests from here'],
    [{}, { dtype: 'fp16' }, 'has no precision fp16'],
    [{}, { repository: LEVEL_4, dtype: 'q4' }, 'its check'],
  ] as const)('says what is wrong with a hub: %o %o', async (faults, wanted, said) => {
    const { fetchIt, owned } = openHome()
    hub.set(faults)
    const revision = 'repository' in wanted ? undefined : commit
    expect(await words(fetchIt({ revision, ...wanted }))).toContain(said)
    expect(owned.size).toBe(0)
  })

  it('says that a worker died', async () => {
    const dying: HubWorker = {
      postMessage: () => undefined,
      onMessage: () => undefined,
      onError: (listener) => listener('out of memory'),
      terminate: () => undefined,
    }
    const wanted = {
      hubUrl: hub.url,
      repository: PLAIN,
      revision: commit,
      dtype: 'fp32',
      token: undefined,
    } as const
    const none = async () => undefined
    const options = { signal: new AbortController().signal, onProgress: none, onOffer: none, onAdded: none }
    const died = addFromHub(wanted, options, () => dying)
    await expect(died).rejects.toMatchObject({ code: 'models.store-lost' })
    await expect(died).rejects.toBeInstanceOf(InfernetError)
  })
})
