import { setTimeout as sleep } from 'node:timers/promises'
import { buildPage } from '../fixtures/build-page.ts'
import { launchBrowser } from '../fixtures/browser.ts'
import { openConsumer } from '../fixtures/network.ts'
import { startRelayProcess } from '../fixtures/relay-process.ts'
import type { AskPage } from '../pages/ask-page.ts'
import { median } from '../fixtures/median.ts'
import type { BenchOptions } from './figure.ts'
import { NoScreen, PlainChromium, type PlainTab } from './hidden/plain-chromium.ts'

/** Chromium's strictest rule for hidden tabs begins after five minutes (docs/traps.md). */
const LONG_HIDDEN_MS = 5.5 * 60_000
/** Timers of a hidden tab are cut to one a second at once, its processor's budget after ten seconds. */
const SHORT_HIDDEN_MS = 15_000
const LIVE_LIMIT_MS = 60_000
const PROMPT = 'Tell me a story about a fox and a lantern.'

type Visibility = 'visible' | 'hidden' | 'hidden for 5 minutes'

interface Samples {
  readonly tokensPerSecond: number[]
  readonly ttftMs: number[]
  readonly ticksPerSecond: number[]
}

/**
 * What a providing tab is worth when another tab stands before it: the same questions from another browser while it is
 * visible, hidden, and hidden for longer than five minutes.
 */
export async function benchHidden({ quick, print }: BenchOptions): Promise<readonly string[]> {
  buildPage()
  await using cleanUp = new AsyncDisposableStack()
  const relay = await startRelayProcess({ args: ['--seed-provider', 'off'] })
  cleanUp.defer(() => relay.stop())
  try {
    const chromium = cleanUp.use(await PlainChromium.start())
    const browser = await launchBrowser({ hasGpu: false })
    cleanUp.defer(() => browser.close())
    const cover = await chromium.open('about:blank')
    const provider = await chromium.open(new URL('/provide?lend=1&backend=wasm', relay.url).href)
    await waitUntilLive(provider)
    const consumer = await openConsumer(browser, relay.url)
    const samples = await measure({ provider, cover, consumer }, quick)
    const visible = samples.get('visible')
    for (const [visibility, { tokensPerSecond, ttftMs, ticksPerSecond }] of samples) {
      const line = (
        metric: string,
        value: number,
        unit: string,
        than?: number,
        isSmallBetter = false,
      ): void => {
        const compared =
          than === undefined || visibility === 'visible'
            ? {}
            : {
                peer: 'the same tab, visible',
                peerValue: than,
                ratio: isSmallBetter ? than / value : value / than,
              }
        const on = {
          model: 'infernet-tiny',
          dtype: 'fp32',
          backend: 'wasm',
          adapter: 'cpu',
          streams: 1,
          visibility,
        }
        print({ bench: 'hidden', metric, case: on, value, unit, ...compared })
      }
      line('tokensPerSecond', median(tokensPerSecond), '1/s', visible && median(visible.tokensPerSecond))
      line('ttftMs', median(ttftMs), 'ms', visible && median(visible.ttftMs), true)
      line('pageTicksPerSecond', median(ticksPerSecond), '1/s')
    }
    return []
  } catch (thrown) {
    if (!(thrown instanceof NoScreen)) throw thrown
    console.error(`hidden: is skipped: ${thrown.message}`)
    return []
  }
}

interface Scene {
  readonly provider: PlainTab
  readonly cover: PlainTab
  readonly consumer: AskPage
}

async function measure(scene: Scene, quick: boolean): Promise<Map<Visibility, Samples>> {
  const samples = new Map<Visibility, Samples>()
  const answers = quick ? 3 : 6
  for (let round = 0; round < (quick ? 1 : 3); round++) {
    await show(scene, 'visible')
    await sample(scene, samples, 'visible', answers)
    await show(scene, 'hidden')
    await sleep(SHORT_HIDDEN_MS)
    await sample(scene, samples, 'hidden', answers)
  }
  if (quick) return samples
  await sleep(LONG_HIDDEN_MS)
  await sample(scene, samples, 'hidden for 5 minutes', 3 * answers)
  return samples
}

async function show({ provider, cover }: Scene, wanted: 'visible' | 'hidden'): Promise<void> {
  await (wanted === 'visible' ? provider : cover).bringToFront()
  await sleep(1000)
  const seen = await provider.evaluate('document.visibilityState')
  if (seen !== wanted) throw new Error(`the tab should be ${wanted} and is ${String(seen)}`)
}

async function sample(
  { provider, consumer }: Scene,
  samples: Map<Visibility, Samples>,
  visibility: Visibility,
  answers: number,
): Promise<void> {
  const into = samples.get(visibility) ?? { tokensPerSecond: [], ttftMs: [], ticksPerSecond: [] }
  samples.set(visibility, into)
  for (let i = 0; i < answers; i++) {
    // A fresh page each time: every answer is to the same prompt, and its first token counts a dial as a stranger's does.
    await consumer.page.reload()
    await consumer.waitForProvider()
    await consumer.ask(PROMPT)
    await consumer.waitForState('done')
    const { tokensPerSecond, ttftMs } = await consumer.record()
    if (tokensPerSecond !== undefined) into.tokensPerSecond.push(tokensPerSecond)
    if (ttftMs !== undefined) into.ttftMs.push(ttftMs)
  }
  into.ticksPerSecond.push(Number(await provider.evaluate(COUNT_TICKS)))
}

/** Ticks of a 10 ms timer of the page in five seconds, by a clock that is not a timer. */
const COUNT_TICKS = `new Promise((resolve) => {
  let ticks = 0
  const begun = performance.now()
  const timer = setInterval(() => {
    ticks++
    const passed = performance.now() - begun
    if (passed < 5000) return
    clearInterval(timer)
    resolve((1000 * ticks) / passed)
  }, 10)
})`

async function waitUntilLive(provider: PlainTab): Promise<void> {
  const until = performance.now() + LIVE_LIMIT_MS
  const isLive = `document.querySelector('[data-testid=provide-state][data-state=live][data-confirmed=true]') !== null`
  // A page that is only now being opened has nowhere to evaluate yet, which is an error of the protocol.
  while ((await provider.evaluate(isLive).catch(() => false)) !== true) {
    if (performance.now() > until) throw new Error('the tab did not begin to lend')
    await sleep(200)
  }
}
