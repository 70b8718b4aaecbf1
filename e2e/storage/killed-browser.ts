import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { chromium, type Page } from 'playwright'
import { expect } from 'vitest'
import { findChromium } from '../fixtures/find-chromium.ts'

const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--remote-debugging-port=0',
]

export interface KillableBrowser {
  readonly page: Page
  /** Ends it and all its processes at once, as a crash of the machine's user session would. */
  kill(): Promise<void>
}

/** A browser over a profile on disk that can be killed, and started again over what is left. */
export async function startKillable(profile: string, url: string): Promise<KillableBrowser> {
  const portFile = join(profile, 'DevToolsActivePort')
  rmSync(portFile, { force: true })
  // A group of its own, so that all its processes die together.
  const child = spawn(findChromium(), [...FLAGS, `--user-data-dir=${profile}`, 'about:blank'], {
    detached: true,
    stdio: 'ignore',
  })
  try {
    await expect.poll(() => readPort(portFile), { timeout: 30_000 }).toBeDefined()
    const browser = await chromium.connectOverCDP(`http://127.0.0.1:${readPort(portFile)}`)
    const page = await (browser.contexts()[0] ?? (await browser.newContext())).newPage()
    await page.goto(url)
    await page.waitForFunction(() => 'weightsRoom' in window)
    return {
      page,
      async kill() {
        await killGroup(child)
        await browser.close().catch(() => undefined)
      },
    }
  } catch (thrown) {
    await killGroup(child)
    throw thrown
  }
}

function readPort(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n')[0] || undefined : undefined
}

async function killGroup(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve))
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  process.kill(-child.pid, 'SIGKILL')
  await gone
}
