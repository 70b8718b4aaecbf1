import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../relay/testing/fixtures.ts'
import { openTab } from '../fixtures/browser.ts'
import { startNetwork, type TestNetwork } from '../fixtures/lending-network.ts'
import { ROOT } from '../fixtures/root.ts'

/** What a chunk does first: a browser that ran it would say so. */
const MARK = "globalThis.damaged='ran';"

describe('a page that was damaged on the way', () => {
  let folder: string
  let network: TestNetwork
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'infernet-damaged-'))
    network = await startNetwork({ args: ['--page-folder', folder] })
    await cp(join(ROOT, 'web/dist'), folder, { recursive: true })
    // The relay looks now and then what is in the folder.
    await until('the page is served', async () => (await fetch(network.relay.url)).ok)
  })
  afterAll(async () => {
    await network[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  /**
   * Puts that into a chunk, whose name ends with a hash of eight letters, for as long as a visit takes. Gives whether it
   * ran, and what the browser said.
   */
  async function visit(chunk: RegExp, path: string): Promise<{ ran: unknown; errors: readonly string[] }> {
    const name =
      (await readdir(join(folder, 'assets'))).find((each) => chunk.test(each)) ?? expect.fail('no chunk')
    const file = join(folder, 'assets', name)
    const whole = await readFile(file, 'utf8')
    await writeFile(file, `${MARK}${whole}`)
    try {
      const served = new URL(`assets/${name}`, network.relay.url)
      await until('it is served so', async () => (await (await fetch(served)).text()).startsWith(MARK))
      const { page, errors } = await openTab(network.browser, new URL(path, network.relay.url).href)
      await expect.poll(() => errors.join(' ')).toMatch(/integrity|digest/)
      const ran = await page.evaluate(() => (globalThis as { damaged?: unknown }).damaged)
      await page.context().close()
      return { ran, errors }
    } finally {
      await writeFile(file, whole)
    }
  }

  it('runs no chunk whose bytes are others: the first one, one that it imports, one that comes later', async () => {
    for (const [chunk, path] of [
      [/^index-[\w-]{8}\.js$/, '/'],
      [/^abis-[\w-]{8}\.js$/, '/'],
      [/^Wallet-[\w-]{8}\.js$/, '/wallet'],
      [/^services-real-[\w-]{8}\.js$/, '/'],
    ] as const)
      expect((await visit(chunk, path)).ran, `${chunk}`).toBeUndefined()
  })

  it('comes up without a word in the console where nothing is damaged', async () => {
    const { page, errors } = await openTab(network.browser, new URL('/wallet', network.relay.url).href)
    await page.getByRole('heading', { name: 'Answers are free here.' }).waitFor()
    expect(errors).toEqual([])
  })
})
