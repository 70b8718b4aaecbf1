import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { BrowserContext } from 'playwright'
import { expect, it } from 'vitest'
import { buildPage } from '../fixtures/build-page.ts'
import { openTab } from '../fixtures/browser.ts'
import { startNetwork } from '../fixtures/lending-network.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const floor = readFileSync(`${root}web/public/browser-floor.js`, 'utf8')
const versions = /FLOOR = '([^']+)'/.exec(floor)?.[1] ?? 'no floor'
const needed = [...floor.matchAll(/^ {4}'([\w.]+)',?$/gm)].map(([, path = '']) => path)

/** Functions that came to browsers in 2021 or later, and how the built page would call one. */
const YOUNG: Readonly<Record<string, RegExp>> = {
  'Promise.withResolvers': /Promise\.withResolvers\b/,
  'Promise.try': /Promise\.try\b/,
  'AbortSignal.any': /AbortSignal\.any\b/,
  'AbortSignal.timeout': /AbortSignal\.timeout\b/,
  'AbortSignal.prototype.throwIfAborted': /\.throwIfAborted\(/,
  'Array.fromAsync': /Array\.fromAsync\b/,
  'Array.prototype.findLast': /\.findLast\(/,
  'Array.prototype.findLastIndex': /\.findLastIndex\(/,
  'Array.prototype.toReversed': /\.toReversed\(/,
  'Array.prototype.toSorted': /\.toSorted\(/,
  'Array.prototype.toSpliced': /\.toSpliced\(/,
  'ArrayBuffer.prototype.transferToFixedLength': /\.transferToFixedLength\(/,
  'Element.prototype.checkVisibility': /\.checkVisibility\(/,
  'Iterator.from': /Iterator\.from\b/,
  'Iterator.prototype.map':
    /\.(?:values|keys|entries)\(\)\.(?:map|filter|some|every|find|take|drop|toArray|reduce|flatMap|forEach)\(/,
  'Map.groupBy': /Map\.groupBy\b/,
  'Object.groupBy': /Object\.groupBy\b/,
  'Object.hasOwn': /Object\.hasOwn\(/,
  'RegExp.escape': /RegExp\.escape\b/,
  'Set.prototype.union': /\.union\(/,
  'Set.prototype.difference': /\.difference\(/,
  'Set.prototype.intersection': /\.intersection\(/,
  'Set.prototype.isSubsetOf': /\.isSubsetOf\(/,
  'Math.sumPrecise': /Math\.sumPrecise\b/,
  'Error.isError': /\bError\.isError\b/,
  'URL.parse': /\bURL\.parse\b/,
  structuredClone: /\bstructuredClone\(/,
}

it('the floor names every young function that the built page calls', () => {
  buildPage({ quiet: true })
  const folder = `${root}web/dist/assets/`
  const code = readdirSync(folder)
    .filter((name) => name.endsWith('.js'))
    .map((name) => readFileSync(folder + name, 'utf8'))
    .join('\n')
  const called = Object.entries(YOUNG).flatMap(([path, call]) => (call.test(code) ? [path] : []))
  expect(called.length).toBeGreaterThan(8)
  expect(called.filter((path) => !needed.includes(path))).toEqual([])
})

it('the README names the same floor as the page', () => {
  expect(readFileSync(`${root}README.md`, 'utf8')).toContain(versions)
})

it('a browser that lacks any of them is told so, with what it needs, and nothing else starts', async () => {
  await using network = await startNetwork()
  const { browser, relay } = network
  const alone = await openTab(browser, 'about:blank')
  const context = alone.page.context()
  const rest = [...needed]
  const line = async (): Promise<void> => {
    for (let path = rest.shift(); path !== undefined; path = rest.shift())
      await expectTooOld(context, relay.url, path)
  }
  // Some pages at once: each waits for its files for most of its time.
  await Promise.all(Array.from({ length: 4 }, line))
})

async function expectTooOld(context: BrowserContext, url: string, path: string): Promise<void> {
  const page = await context.newPage()
  const asked: string[] = []
  page.on('request', (request) => asked.push(new URL(request.url()).pathname))
  await page.addInitScript((names) => {
    const last = names.at(-1) ?? ''
    const holder = names
      .slice(0, -1)
      .reduce<object | undefined>((at, name) => Reflect.get(at ?? {}, name) as object, globalThis)
    if (holder) Object.defineProperty(holder, last, { value: undefined, configurable: true })
  }, path.split('.'))
  await page.goto(url)
  const told = await page.getByTestId('too-old').innerText()
  expect(told).toContain('This browser is too old.')
  expect(told).toContain(`Infernet needs ${versions}, or newer.`)
  expect(told).toContain(path)
  expect(await page.getByTestId('prompt-input').count()).toBe(0)
  expect(asked).not.toContain('/network.json')
  await page.close()
}
