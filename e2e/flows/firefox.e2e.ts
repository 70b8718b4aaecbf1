import { afterAll, beforeAll, expect, it } from 'vitest'
import { buildPage } from '../fixtures/build-page.ts'
import { findFirefox } from '../fixtures/find-firefox.ts'
import { openFirefoxTab, type FirefoxTab } from '../fixtures/firefox.ts'
import { startRelayProcess, type RelayProcess } from '../fixtures/relay-process.ts'

const PATIENCE = { timeout: 60_000, interval: 250 }

let relay: RelayProcess
let tab: FirefoxTab | undefined
let missing: unknown
beforeAll(async () => {
  buildPage({ quiet: true })
  relay = await startRelayProcess({ args: ['--seed-provider', 'on'] })
  try {
    findFirefox()
  } catch (thrown) {
    missing = thrown
    return
  }
  tab = await openFirefoxTab()
})
afterAll(async () => {
  await tab?.[Symbol.asyncDispose]()
  await relay?.stop()
})

it('Debian’s Firefox shows every page of a plain relay, and is answered', async ({ skip }) => {
  if (!tab) return skip(String(missing))
  const firefox = tab
  const read = (expression: string): Promise<string> => firefox.read(expression)
  for (const path of ['provide', 'network', 'wallet', '']) {
    await firefox.open(new URL(path, relay.url).href)
    await expect.poll(() => read("document.querySelector('main h1')?.textContent"), PATIENCE).toMatch(/\w/)
  }
  await expect
    .poll(() => read("document.querySelector('[data-testid=live-count]')?.textContent"), PATIENCE)
    .toMatch(/[1-9]/)
  await read(`(() => {
    const prompt = document.querySelector('[data-testid=prompt-input]')
    prompt.value = 'What is a relay?'
    prompt.dispatchEvent(new InputEvent('input', { bubbles: true }))
  })()`)
  await expect.poll(() => read("document.querySelector('[data-testid=send]')?.disabled")).toBe('false')
  await read("document.querySelector('[data-testid=send]').click()")
  await expect
    .poll(
      () => read("document.querySelector('[data-testid=answer-state]')?.getAttribute('data-state')"),
      PATIENCE,
    )
    .toBe('done')
  expect(await read("document.querySelector('[data-testid=answer]').innerText")).toMatch(/relay/i)
})

it('an older one is told what it lacks, and is not left with an empty page', async ({ skip }) => {
  if (!tab) return skip(String(missing))
  await tab.beforeEachPage('Promise.withResolvers = AbortSignal.any = undefined')
  await tab.open(relay.url)
  const told = await tab.read("document.querySelector('[data-testid=too-old]')?.innerText")
  expect(told).toContain('This browser is too old.')
  expect(told).toContain('This browser does not have: Promise.withResolvers, AbortSignal.any.')
  expect(await tab.read("document.querySelectorAll('[data-testid=prompt-input]').length")).toBe('0')
})
