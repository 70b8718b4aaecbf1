import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import vectors from '#shared/engine/sampler-vectors.json'
import { launchBrowser } from '../fixtures/browser.ts'
import { findFirefox } from '../fixtures/find-firefox.ts'
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

/** No first-run pages, no updates, nothing that calls home. */
const PREFERENCES = {
  'app.update.auto': false,
  'app.normandy.enabled': false,
  'browser.aboutwelcome.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'toolkit.telemetry.reportingpolicy.firstRun': false,
}

/** Without a driver: the page itself reports. */
async function openInFirefox(url: string): Promise<() => Promise<void>> {
  const profile = await mkdtemp(join(tmpdir(), 'infernet-firefox-'))
  const lines = Object.entries(PREFERENCES).map(([name, value]) => `user_pref("${name}", ${value});`)
  await writeFile(join(profile, 'user.js'), lines.join('\n'))
  const args = ['--headless', '--no-remote', '--profile', profile, url]
  // Its own home, since it refuses to run as root in another user's.
  const env = { ...process.env, HOME: profile }
  const child = spawn(findFirefox(), args, { env, stdio: 'ignore' })
  return async () => {
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    await ended
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  }
}
