import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import vectors from '#shared/engine/sampler-vectors.json'
import { launchBrowser } from '../fixtures/browser.ts'
import { openInFirefox } from '../fixtures/firefox.ts'
import type { Report } from './page.ts'
import { startReportServer, type ReportServer } from './report-server.ts'

/** A cold Firefox on a busy machine takes most of it to start. */
const LIMIT_MS = 100_000

describe("the sampler's vectors", () => {
  let server: ReportServer
  beforeAll(async () => {
    server = await startReportServer()
  })
  afterAll(() => server.close())

  function expectAllRight({ results, thrown }: Report): void {
    expect(thrown).toBe('')
    expect(results.filter(({ wrong }) => wrong !== '')).toEqual([])
    expect(results).toHaveLength(vectors.draws.length)
  }

  it('pass in Chromium', async () => {
    const browser = await launchBrowser({ hasGpu: false })
    try {
      const report = server.nextReport(LIMIT_MS)
      const page = await browser.newPage()
      await page.goto(server.url)
      expectAllRight(await report)
    } finally {
      await browser.close()
    }
  })

  it('pass in Firefox', async () => {
    const stop = await openInFirefox(server.url)
    try {
      expectAllRight(await server.nextReport(LIMIT_MS))
    } finally {
      await stop()
    }
  })
})
