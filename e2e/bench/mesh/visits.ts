import type { Browser, BrowserContext, Page } from 'playwright'
import { launchBrowser } from '../../fixtures/browser.ts'
import { startRelayProcess } from '../../fixtures/relay-process.ts'
import { buildShippedPage } from '../build-pages.ts'
import { median } from '../../fixtures/median.ts'
import type { BenchOptions } from '../figure.ts'
import { markOf, noteMarks } from './marks.ts'

const PROMPT = 'Tell me a story about a fox and a lantern.'
const CASE = { model: 'infernet-tiny', dtype: 'fp32', backend: 'wasm' } as const

/** The shipped page as visitors meet it, from the start of the navigation: providing again, and asking for the first time. */
export async function benchVisits({ quick, print }: BenchOptions): Promise<void> {
  const folder = await buildShippedPage()
  await using cleanUp = new AsyncDisposableStack()
  const relay = await startRelayProcess({ args: ['--seed-provider', 'off', '--page-folder', folder] })
  cleanUp.defer(() => relay.stop())
  const browser = await launchBrowser()
  cleanUp.defer(() => browser.close())
  const visits = quick ? 2 : 5

  const goLive = await provideAgain(browser, relay.url, visits)
  print({ bench: 'mesh', metric: 'goLiveMs', case: CASE, value: median(goLive), unit: 'ms' })
  const asked = []
  for (let visit = 0; visit < visits; visit++) asked.push(await askFirst(browser, relay.url))
  const path = 'webrtc'
  const joins = asked.map(({ joinMs }) => joinMs)
  print({ bench: 'mesh', metric: 'joinMs', case: { path }, value: median(joins), unit: 'ms' })
  const answers = asked.map(({ answerMs }) => answerMs)
  print({
    bench: 'mesh',
    metric: 'firstAnswerMs',
    case: { ...CASE, path },
    value: median(answers),
    unit: 'ms',
  })
}

/** The first visit downloads the model into OPFS; the later ones, of the same profile, count. The last one stays. */
async function provideAgain(browser: Browser, url: string, visits: number): Promise<number[]> {
  const context = await browser.newContext()
  await noteMarks(context)
  const address = new URL('/provide?lend=1&backend=wasm', url).href
  let page = await visit(context, address)
  await markOf(page, 'liveOffer')
  const times = []
  for (let i = 0; i < visits; i++) {
    await page.close({ runBeforeUnload: true })
    page = await visit(context, address)
    times.push(await markOf(page, 'liveOffer'))
  }
  return times
}

/** Somebody new asks, as soon as the page says `Send`: it knows a provider then. */
async function askFirst(browser: Browser, url: string): Promise<{ joinMs: number; answerMs: number }> {
  const context = await browser.newContext()
  await noteMarks(context, PROMPT)
  const page = await visit(context, url)
  const answerMs = await markOf(page, 'firstToken')
  const joinMs = await markOf(page, 'direct', { timeout: 1000 })
  await page.locator('[data-testid=answer-state][data-state=done]').waitFor({ state: 'attached' }) // the next one finds it idle
  await context.close()
  return { joinMs, answerMs }
}

async function visit(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(url, { waitUntil: 'commit' })
  return page
}
