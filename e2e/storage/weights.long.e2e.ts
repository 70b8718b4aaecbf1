import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { manifestBytes } from '#shared/models/manifest.ts'
import { rounds } from '#shared/testing/long-runs.ts'
import { servePage } from '../engine/serve-page.ts'
import { launchBrowser } from '../fixtures/browser.ts'
import { startKillable } from './killed-browser.ts'
import { makeLargeModel } from './large-model.ts'
import { startOrigin } from './origin-server.ts'
import type {} from './page/main.ts'

const SOURCE = fileURLToPath(new URL('./page', import.meta.url))

it('a browser that is killed while a model comes has nothing wrong after it, and fetches again what was under way', async () => {
  const { manifest, files } = makeLargeModel()
  await using origin = await startOrigin(files)
  await using page = await servePage({ source: SOURCE, models: {} })
  const profile = mkdtempSync(join(tmpdir(), 'infernet-profile-'))
  using cleanUp = new DisposableStack()
  cleanUp.defer(() => rmSync(profile, { recursive: true, force: true, maxRetries: 5 }))
  const kills = rounds({ short: 20, full: 100 })
  let before = 0
  for (let kill = 0; kill < kills; kill++) {
    const waits = Math.floor(Math.random() * 500)
    console.log(`kill ${kill}: ${waits} ms after the download begins, ${before} bytes here`)
    const sent = origin.served.length
    const browser = await startKillable(profile, page.url)
    try {
      const held = await browser.page.evaluate((what) => window.weightsRoom.heldBytes(what), manifest)
      expect(held, 'nothing that was told as kept is lost').toBeGreaterThanOrEqual(before)
      expect(await browser.page.evaluate((what) => window.weightsRoom.countWrong(what), manifest)).toBe(0)
      // All here before the last kill: from the beginning.
      if (held === manifestBytes(manifest))
        expect(await browser.page.evaluate((what) => window.weightsRoom.remove(what), manifest)).toBe('')
      browser.page
        .evaluate(([what, where]) => window.weightsRoom.bring(what, where), [manifest, origin.url] as const)
        .catch(() => undefined) // it dies beneath it
      await expect.poll(() => origin.served.length, { timeout: 60_000 }).toBeGreaterThan(sent)
      await sleep(waits)
      before = await browser.page.evaluate((what) => window.weightsRoom.heldBytes(what), manifest)
    } finally {
      await browser.kill()
    }
  }
  const browser = await startKillable(profile, page.url)
  try {
    const bring = await browser.page.evaluate(([what, where]) => window.weightsRoom.bring(what, where), [
      manifest,
      origin.url,
    ] as const)
    expect(bring).toBe('')
    expect(await browser.page.evaluate((what) => window.weightsRoom.countWrong(what), manifest)).toBe(0)
  } finally {
    await browser.kill()
  }
})

it('an engine whose weights lie beside its graph never has a whole file of them in memory', async () => {
  const { manifest, files } = makeLargeModel(2)
  await using origin = await startOrigin(files)
  await using served = await servePage({ source: SOURCE, models: {} })
  const browser = await launchBrowser({ hasGpu: false })
  try {
    const page = await browser.newPage()
    await page.goto(served.url)
    await page.waitForFunction(() => 'weightsRoom' in window)
    const bring = await page.evaluate(([what, where]) => window.weightsRoom.bring(what, where), [
      manifest,
      origin.url,
    ] as const)
    expect(bring).toBe('')
    const loaded = await page.evaluate((what) => window.weightsRoom.load(what), manifest)
    const largestFile = Math.max(...manifest.files.map(({ size }) => size))
    expect(loaded.kept).toBe(true)
    expect(loaded.largest).toBeLessThan(largestFile / 4)
    expect(loaded.bytes).toBeLessThan(largestFile / 2)
  } finally {
    await browser.close()
  }
})

// A profile on disk: in the memory of an incognito one Chromium asks no quota of these files.
it('a download that gets no more room in the middle ends with its name, and goes on from there when it does', async () => {
  const { manifest, files } = makeLargeModel()
  await using origin = await startOrigin(files)
  await using served = await servePage({ source: SOURCE, models: {} })
  const profile = mkdtempSync(join(tmpdir(), 'infernet-profile-'))
  using cleanUp = new DisposableStack()
  cleanUp.defer(() => rmSync(profile, { recursive: true, force: true, maxRetries: 5 }))
  const browser = await startKillable(profile, served.url)
  try {
    const { page } = browser
    // It promises more than it gives.
    await page.evaluate(() => {
      StorageManager.prototype.estimate = async () => ({ usage: 0, quota: 1e12 })
    })
    const session = await page.context().newCDPSession(page)
    const site = new URL(served.url).origin
    const bring = () =>
      page.evaluate(([what, where]) => window.weightsRoom.bring(what, where), [manifest, origin.url] as const)
    await session.send('Storage.overrideQuotaForOrigin', { origin: site, quotaSize: 30_000_000 })
    expect(await bring()).toBe('models.quota-exceeded')
    const before = await page.evaluate((what) => window.weightsRoom.heldBytes(what), manifest)
    expect(before).toBeGreaterThan(10_000_000)
    expect(before).toBeLessThan(30_000_000)
    await session.send('Storage.overrideQuotaForOrigin', { origin: site })
    const sofar = origin.served.length
    expect(await bring()).toBe('')
    const fetched = origin.served.slice(sofar).reduce((sum, { sentBytes }) => sum + sentBytes, 0)
    expect(fetched).toBeLessThanOrEqual(manifestBytes(manifest) - before)
    expect(await page.evaluate((what) => window.weightsRoom.countWrong(what), manifest)).toBe(0)
  } finally {
    await browser.kill()
  }
})
