import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { modelHash } from '#shared/base/ids.ts'
import type { PublishedHint } from '#shared/chain/publications.ts'
import { MAX_PUBLICATIONS, parsePublications } from '#shared/models/catalogue/publications.ts'
import { entryOf } from '#shared/models/catalogue/testing/entries.ts'
import { hashManifest } from '#shared/models/manifest.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { makeManifest, makeModelFile } from '#shared/testing/model-file.ts'
import { createLog } from '../observe/log.ts'
import type { PublicationsPort } from '../serve/publications-route.ts'
import { startRelay, temporaryFolder } from '../testing/fixtures.ts'
import { Publications } from './mount-publications.ts'

const OWN = MAX_PUBLICATIONS + 4
const manifests = Array.from({ length: OWN }, (_, n) => ({
  ...makeManifest(makeModelFile(100).file),
  id: `model-${n}`,
}))
const own = manifests.map((manifest, n): PublishedHint => ({
  model: hashManifest(manifest),
  name: `own-${n}`,
}))
const rubbish = Array.from({ length: 10_000 }, (_, n): PublishedHint => ({
  model: modelHash(n.toString(16).padStart(64, '0')),
  name: `rubbish-${n}`,
}))

describe('what a relay serves of the models contract', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let relay: Awaited<ReturnType<typeof startRelay>>
  let publications: Publications
  let port: PublicationsPort | undefined
  const chain = { noted: own, asked: 0, isDown: false, royaltyBps: 100 }
  beforeEach(async () => {
    folder = await temporaryFolder()
    for (const [n, manifest] of manifests.entries())
      await writeFile(join(folder.path, `${n}.json`), JSON.stringify(manifest))
    relay = await startRelay()
    Object.assign(chain, { noted: own, asked: 0, isDown: false, royaltyBps: 100 })
    const precision = { dtype: 'fp32', bytes: 1, memoryBytes: 1 }
    publications = new Publications(
      {
        node: relay.node,
        catalogue: own.map((_, n) =>
          entryOf({ precisions: [{ ...precision, manifest: `/models/${n}.json` }] }),
        ),
        servePublications: (served) => (port = served),
      },
      {
        clock: new FakeClock(),
        log: createLog('silent'),
        watch: {
          get noted() {
            return chain.noted
          },
          keep: () => undefined,
          read: async (hint) => {
            chain.asked++
            if (chain.isDown) throw new Error('down')
            return { ...hint, publisher: `0x${hint.model.slice(0, 40)}`, royaltyBps: chain.royaltyBps }
          },
        },
        seeds: { announce: async () => undefined, find: async () => [] },
        locate: (place) => join(folder.path, place.slice('/models/'.length)),
      },
    )
    publications.start()
  })
  afterEach(async () => {
    await publications.stop()
    await relay.stop()
    await folder.remove()
  })
  const listed = () => parsePublications(port?.list ?? '')
  const names = (): string[] => listed().flatMap(({ entries }) => entries.map(({ name }) => name))

  it('is bounded, and asks the chain about nothing that has no manifest', async () => {
    chain.noted = [...rubbish, ...own]
    await publications.look()
    expect(names()).toEqual(own.slice(0, MAX_PUBLICATIONS).map(({ name }) => name))
    expect(chain.asked).toBe(MAX_PUBLICATIONS)
    const [first] = own
    expect(JSON.parse(first ? (port?.manifest(first.model) ?? '') : '')).toEqual(manifests[0])
    expect(port?.manifest(rubbish[0]!.model)).toBeUndefined()
  })

  it('stays as it was while the chain does not answer, and follows it in turn', async () => {
    await publications.look()
    const before = names()
    chain.isDown = true
    await expect(publications.look()).rejects.toThrow('down')
    expect(names()).toEqual(before)
    Object.assign(chain, { isDown: false, royaltyBps: 50, asked: 0 })
    await publications.look()
    expect(chain.asked).toBeLessThan(MAX_PUBLICATIONS / 2)
    for (let look = 0; look < MAX_PUBLICATIONS; look++) await publications.look()
    const shares = listed().map(({ source }) => source.kind === 'contract' && source.royaltyBps)
    expect(new Set(shares)).toEqual(new Set([50]))
  })
})
