import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { sha256 } from '@noble/hashes/sha2.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toHex, utf8 } from '#shared/base/bytes.ts'
import { millis } from '#shared/base/units.ts'
import { sleep } from '#shared/base/wait.ts'
import { parseGolden } from '#shared/engine/golden.ts'
import { hashManifest } from '#shared/models/manifest.ts'
import { parseManifest } from '#shared/models/parse-manifest.ts'
import { FREE_PRICE } from '#shared/prompt/free-price.ts'
import { openOffer, type Offer } from '#shared/schedule/offer.ts'
import { makePeer } from '#shared/testing/peers.ts'
import { someVerdict } from '#shared/testing/verdicts.ts'
import type { RecordsPort } from '#shared/verify/board/records-port.ts'
import { signVerdict } from '#shared/verify/verdict.ts'
import type { Relay } from '../create-relay.ts'
import { mountDirectory } from '../directory/mount-directory.ts'
import { nodeClock } from '../base/node-clock.ts'
import { createLog } from '../observe/log.ts'
import { startRelay } from '../testing/fixtures.ts'
import { locateIn } from '../config/models-folder.ts'
import { mountProvider, type MountProviderInit } from './mount-provider.ts'

const bundled = fileURLToPath(new URL('../../web/public/models/', import.meta.url))

describe('mountProvider', () => {
  let relay: Relay
  let directory: Awaited<ReturnType<typeof mountDirectory>>
  let spoiled = ''
  const privateKey = generateKeyPair('Ed25519')
  beforeAll(async () => {
    spoiled = await mkdtemp(join(tmpdir(), 'infernet-'))
    await cp(bundled, spoiled, { recursive: true })
    await spoilGolden(join(spoiled, 'infernet-tiny'))
    relay = await startRelay({}, { privateKey: await privateKey })
    directory = await mountDirectory(relay)
  })
  afterAll(async () => {
    await directory.stop()
    await relay.stop()
    await rm(spoiled, { recursive: true })
  })

  async function provide(
    modelsFolder: string,
    models = ['infernet-tiny'],
    told: Partial<MountProviderInit> = {},
  ) {
    return mountProvider(relay, {
      privateKey: await privateKey,
      log: createLog('silent'),
      directory: directory.port,
      locate: locateIn([modelsFolder]),
      models,
      backend: 'wasm',
      ...told,
    })
  }
  async function offers(): Promise<Offer[]> {
    const { offers: found } = await directory.port.query(undefined, 9)
    return Promise.all(found.map((signed) => openOffer(signed, nodeClock.now())))
  }

  it('makes no offer with an engine that gets a golden token wrong', async () => {
    await expect(provide(spoiled)).rejects.toMatchObject({
      code: 'engine.self-test-failed',
      facts: { wrong: 1 },
    })
    expect(await offers()).toEqual([])
  }, 60_000)

  it('signs the result of its self-test into its offer', async () => {
    const begun = Date.now()
    const provider = await provide(bundled)
    await expect.poll(offers, { timeout: 10_000 }).toHaveLength(1)
    const [offer] = await offers()
    const { cases } = parseGolden(await readFile(join(bundled, 'infernet-tiny/golden.fp32.json')), 'golden')
    const total = cases.reduce((sum, { tokens }) => sum + tokens.length, 0)
    expect(offer?.selfTest).toEqual({ right: total, total, testedAt: expect.any(Number) as number })
    expect(offer?.selfTest.testedAt).toBeGreaterThanOrEqual(begun)
    expect(offer?.price, 'nobody could pay it').toEqual(FREE_PRICE)
    expect(offer?.payment).toBeUndefined()
    expect(offer?.tier, 'it is loaded').toBeUndefined()
    await provider.stop()
    expect(await offers()).toEqual([])
  }, 60_000)

  it('offers each of its models, the first one loaded and the others on its disk', async () => {
    const provider = await provide(bundled, ['infernet-tiny:q4', 'infernet-tiny'])
    await expect.poll(offers, { timeout: 10_000 }).toHaveLength(2)
    const manifestOf = async (dtype: string) =>
      hashManifest(parseManifest(await readFile(join(bundled, `infernet-tiny/manifest.${dtype}.json`))))
    expect(new Map((await offers()).map(({ model, tier }) => [model, tier]))).toEqual(
      new Map([
        [await manifestOf('q4'), undefined],
        [await manifestOf('fp32'), 'disk'],
      ]),
    )
    await provider.stop()
    expect(await offers()).toEqual([])
  }, 60_000)

  it('tests itself when somebody says that an answer differs, renews its offer, and tells the operator', async () => {
    const stranger = await makePeer()
    const model = hashManifest(
      parseManifest(await readFile(join(bundled, 'infernet-tiny/manifest.fp32.json'))),
    )
    /** A register in which a stranger has just said so. */
    const port: RecordsPort = {
      ...directory.records,
      findVerdicts: async (provider) => {
        const says = { model, outcome: 'differs', difference: 'tokens', at: nodeClock.now() } as const
        const verdict = await signVerdict(someVerdict({ name: provider }, says), stranger.key)
        await sleep(nodeClock, millis(5)) // the clock passes it
        return [{ verifier: stranger.name, verdict, staked: undefined }]
      },
    }
    const lines: Record<string, unknown>[] = []
    const log = createLog('info', {
      write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>),
    })
    const records = { registers: [{ relay: relay.name, port }], onChange: () => () => undefined }
    const begun = nodeClock.now()
    const provider = await provide(bundled, ['infernet-tiny'], { log, records })
    const told = () => lines.map(({ level, msg }) => `${String(level)} ${String(msg)}`)
    await expect
      .poll(told, { timeout: 20_000 })
      .toEqual([
        'warn somebody says that an answer differs; the engine tests itself',
        'info the engine passed its self-test, and goes on',
      ])
    expect(lines[0]).toMatchObject({ model, verifier: stranger.name, isStaked: false, difference: 'tokens' })
    const passedAt = Date.parse(String(lines[1]?.['time']))
    await expect
      .poll(async () => (await offers())[0]?.selfTest.testedAt ?? 0, { timeout: 10_000 })
      .toBeGreaterThan(Date.parse(String(lines[0]?.['time'])) - 1)
    const [offer] = await offers()
    expect(offer?.selfTest.testedAt).toBeGreaterThan(begun)
    expect(offer?.selfTest.testedAt).toBeLessThanOrEqual(passedAt)
    await provider.stop()
  }, 60_000)

  it('refuses a model that the catalogue does not hold, or not in this precision', async () => {
    for (const model of ['gpt-5', 'infernet-tiny:q8'])
      await expect(provide(bundled, [model])).rejects.toMatchObject({ code: 'models.unknown' })
  })
})

/** Another golden token, under a manifest that promises it: nothing but the self-test can notice. */
async function spoilGolden(folder: string): Promise<void> {
  const path = 'golden.fp32.json'
  const { cases, ...rest } = parseGolden(await readFile(join(folder, path)), path)
  const [first, ...others] = cases
  if (!first) throw new Error('no golden case')
  const changed = { ...first, tokens: [...first.tokens.slice(0, -1), 7] }
  const bytes = utf8(JSON.stringify({ ...rest, cases: [changed, ...others] }))
  await writeFile(join(folder, path), bytes)
  const manifestPath = join(folder, 'manifest.fp32.json')
  const manifest = parseManifest(await readFile(manifestPath))
  const digest = toHex(sha256(bytes))
  const files = manifest.files.map((file) =>
    file.path === path ? { path, size: bytes.length, sha256: digest, pieces: [digest] } : file,
  )
  await writeFile(manifestPath, JSON.stringify({ ...manifest, files }))
}
