/**
 * `npm run demo -- "a prompt" [--backend webgpu|wasm] [--chromium PATH]`
 *
 * The main job without looking at a screen: a relay without a seed provider, a tab that lends and a tab that asks, in
 * headless Chromium. The answer goes to standard output as it comes; the last line is one JSON object.
 */
import { parseArgs } from 'node:util'
import { buildPage } from '../fixtures/build-page.ts'
import { launchBrowser } from '../fixtures/browser.ts'
import { openConsumer, openProvider } from '../fixtures/network.ts'
import { startRelayProcess } from '../fixtures/relay-process.ts'
import type { AskPage } from '../pages/ask-page.ts'

/** A software GPU takes half a second a token; a real one is done in seconds. */
const ANSWER_LIMIT_MS = { wasm: 60_000, webgpu: 600_000 }
const LIVE_LIMIT_MS = { wasm: 60_000, webgpu: 300_000 }

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { backend: { type: 'string', default: 'wasm' }, chromium: { type: 'string' } },
})
const prompt = positionals.join(' ') || 'Tell me a story about a fox and a lantern.'
const backend = values.backend === 'webgpu' ? 'webgpu' : 'wasm'
process.exitCode = await demo().catch((thrown: unknown) => {
  console.error(thrown instanceof Error ? thrown.message : thrown)
  return 1
})

async function demo(): Promise<number> {
  buildPage()
  await using cleanUp = new AsyncDisposableStack()
  const relay = await startRelayProcess({ args: ['--seed-provider', 'off'] })
  cleanUp.defer(() => relay.stop())
  const browser = await launchBrowser(values.chromium ? { executablePath: values.chromium } : {})
  cleanUp.defer(() => browser.close())
  console.error(`A tab is loading the model on ${backend} ...`)
  await openProvider(browser, relay.url, { backend, timeout: LIVE_LIMIT_MS[backend] })
  const consumer = await openConsumer(browser, relay.url)
  await consumer.follow((added) => process.stdout.write(added))
  await consumer.ask(prompt)
  await consumer.waitForState('done', { timeout: ANSWER_LIMIT_MS[backend] })
  process.stdout.write(`\n${JSON.stringify(await report(consumer))}\n`)
  return 0
}

async function report(consumer: AskPage): Promise<unknown> {
  const { segments, tokens, ttftMs, tokensPerSecond } = await consumer.record()
  const last = segments.at(-1)
  return {
    provider: last?.provider,
    providerKind: last?.kind,
    backend: last?.backend,
    path: last?.path,
    direct: last?.path !== 'relayed',
    tokens,
    ttftMs: ttftMs === undefined ? undefined : Math.round(ttftMs),
    tokensPerSecond: tokensPerSecond === undefined ? undefined : Math.round(tokensPerSecond * 10) / 10,
  }
}
