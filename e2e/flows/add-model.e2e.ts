import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { BrowserContext, Page } from 'playwright'
import { expect, it } from 'vitest'
import { modelHash } from '#shared/base/ids.ts'
import { FAMILIES } from '#shared/model-kit/families/families.ts'
import type { Manifest } from '#shared/models/manifest.ts'
import { readNamedManifest } from '#shared/models/pieces/numbering.ts'
import { axeViolations } from '../fixtures/axe.ts'
import { openTab } from '../fixtures/browser.ts'
import { countReceived, receivedBy } from '../fixtures/count-received.ts'
import { startNetwork, type TestNetwork } from '../fixtures/lending-network.ts'
import { makeHubRepository } from '../hub/hub-repository.ts'
import { startLocalHub, type LocalHub } from '../hub/local-hub.ts'
import { AskPage } from '../pages/ask-page.ts'
import { ProvidePage } from '../pages/provide-page.ts'
import type { Tab } from '../pages/tab.ts'

const COMMAND = fileURLToPath(new URL('../run/model.ts', import.meta.url))
const REPOSITORY = 'some-lab/Small-Llama'
const GATED = 'some-lab/Gated-Llama'
/** What makes tokens of a text and a text of tokens. */
const TEXT_FILES = new Set(['tokenizer.json', 'tokenizer_config.json', 'generation_config.json'])

it('a visitor adds a model of a hub by its name, after faults that are told in words; it has the hash that it has everywhere, answers here without the hub, is kept, and a stranger asks it who never saw the hub', async () => {
  const hub = await startHub()
  try {
    await using network = await startNetwork({ args: ['--seed-provider', 'off', '--hub', hub.url] })
    const hash = await hashByCommand(hub)
    const tab = await openTab(network.browser, network.relay.url)
    const { page } = tab
    await page.getByTestId('model-picker').click()
    await page.getByTestId('picker-add').click()
    const dialog = page.getByRole('dialog')

    await lookUp(page, 'some-lab/Not-There')
    await dialog.getByText('the hub shows no repository some-lab/Not-There').waitFor()
    await lookUp(page, GATED)
    await dialog.getByText(`The hub gives ${GATED} only to accounts that accepted its terms.`).waitFor()
    await page.getByTestId('add-token').fill('hf_stranger')
    await lookUp(page, GATED)
    await dialog.getByText(`The hub does not give ${GATED} to the account of this token.`).waitFor()
    expect(await axeViolations(page)).toEqual([])
    await page.getByTestId('add-token').fill('')

    hub.set({ truncates: 5 })
    await lookUp(page, REPOSITORY)
    await dialog.getByText('Licence: apache-2.0').waitFor()
    expect(await page.getByTestId('add-go').isDisabled()).toBe(true)
    expect(hub.sentBytes, 'nothing is loaded before the licence is accepted').toBe(0)
    await page.getByTestId('add-accept').check()
    await page.getByTestId('add-go').click()
    await dialog.getByText('stopped').waitFor()
    await dialog.getByText(/ ended after \d+ of \d+ bytes/).waitFor()
    await dialog.getByRole('button', { name: 'Close' }).last().click()

    hub.set({})
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.locator('[data-testid=download][data-stage=done]').waitFor()
    await page.getByRole('heading', { name: 'One model is here.' }).waitFor()
    expect(hub.tokensAtStorage).toBe(0)
    const before = await ownHashes(page)
    expect(before).toEqual([hash])

    await hub.stop()
    await page.reload()
    await page.getByTestId('model-row').filter({ hasText: 'Small Llama' }).waitFor()
    expect(await ownHashes(page)).toEqual([hash])
    await page.getByRole('navigation').getByText('Ask').click()
    await page.getByTestId('model-picker').click()
    await page.getByTestId('model-search').fill('small llama')
    await expect.poll(() => page.getByTestId('model-option').count()).toBe(1)
    await page.keyboard.press('Enter')
    await page.getByTestId('ask-place').selectOption('tab')
    const asker = new AskPage(tab)
    await asker.ask('Hello?')
    await asker.waitForState('done')
    expect(await asker.record()).toMatchObject({ stage: 'done', localFrom: 0, segments: [] })
    await lend(tab, hash)
    await askAsStranger(network, hash)
    await page.getByRole('link', { name: 'Models', exact: true }).click()
    await page.getByRole('switch', { name: 'From origins only' }).click()
    await missAsStranger(network, hash)
    expect(tab.errors.filter((error) => !/Failed to load resource/.test(error))).toEqual([])
  } finally {
    await hub.stop().catch(() => undefined)
  }
})

async function lend(tab: Tab, hash: string): Promise<void> {
  const { page } = tab
  await page.getByRole('link', { name: 'Provide', exact: true }).click()
  const provider = new ProvidePage(tab)
  await page.getByTestId('provide-model').selectOption(hash)
  await page.getByTestId('provide-switch').click()
  await provider.waitForState('live')
  await provider.waitForOffer()
  expect(await page.getByTestId('own-model').innerText()).toContain('Others look it up from this tab')
}

/** Of a model that no list names, another tab gets the manifest and what makes tokens of text, and no more. */
async function askAsStranger({ browser, relay }: TestNetwork, hash: string): Promise<void> {
  const prepare = (profile: BrowserContext) => profile.addInitScript(countReceived)
  const tab = await openTab(browser, relay.url, { prepare })
  const { page } = tab
  await page.getByTestId('model-picker').click()
  await page.locator('[data-testid=unlisted][data-count="1"]').waitFor()
  expect(await receivedBy(page), 'nobody is asked before the press').toEqual([])
  await page.getByTestId('look-up-lent').press('Enter')
  // The button goes, and the keyboard goes on in the search.
  const hasFocus = () => page.getByTestId('model-search').evaluate((each) => each === document.activeElement)
  await expect.poll(hasFocus).toBe(true)
  await page.keyboard.type('small llama')
  await expect.poll(() => page.getByTestId('model-option').count()).toBe(1)
  expect(await page.getByTestId('model-option').innerText()).toContain('No list names it.')
  await page.keyboard.press('Enter')
  const asker = new AskPage(tab)
  await asker.waitForProvider()
  await asker.ask('Hello?')
  await asker.waitForState('done')
  const { segments } = await asker.record()
  expect(segments).toMatchObject([{ kind: 'tab', path: 'webrtc' }])
  const manifest = await lentManifest(page, hash)
  const text = manifest.files.filter(({ path }) => TEXT_FILES.has(path))
  const kept = await keptFiles(page)
  expect(new Map(kept)).toEqual(new Map(text.map(({ sha256, size }) => [sha256, size])))
  const received = (await receivedBy(page)).reduce((sum, bytes) => sum + bytes, 0)
  const weights = manifest.files.find(({ path }) => path === manifest.weights)
  expect(received).toBeLessThan(weights?.size ?? 0)
  // It is remembered: a link to it finds it again.
  await page.goto(new URL(`/?model=${hash}`, relay.url).href)
  await expect.poll(() => page.getByTestId('model-picker').innerText()).toContain('Small Llama')
  await expect.poll(() => page.url()).not.toContain('model=')
  expect(await receivedBy(page), 'no peer is asked again').toEqual([])
  expect(tab.errors).toEqual([])
  await tab.close()
}

/** What is lent and not passed on stays unknown, a link to it or not, and the page says so. */
async function missAsStranger({ browser, relay }: TestNetwork, hash: string): Promise<void> {
  const tab = await openTab(browser, new URL(`/?model=${hash}`, relay.url).href)
  const { page } = tab
  await page.locator('[data-testid=linked][data-state=withheld]').waitFor()
  await page.getByTestId('model-picker').click()
  await page.getByText('One could not be looked up: no peer in reach passes its files on.').waitFor()
  expect(await page.getByTestId('look-up-lent').count()).toBe(0)
  expect(await axeViolations(page)).toEqual([])
  expect(tab.errors).toEqual([])
  await tab.close()
}

async function startHub(): Promise<LocalHub> {
  const [model] = FAMILIES
  if (!model) throw new Error('no family')
  return startLocalHub([
    await makeHubRepository({ name: REPOSITORY, model, dtypes: ['fp32'] }),
    await makeHubRepository({
      name: GATED,
      model,
      dtypes: ['fp32'],
      card: { license: 'llama3.2' },
      gated: 'manual',
    }),
  ])
}

async function lookUp(page: Page, name: string): Promise<void> {
  await page.getByTestId('add-name').fill(name)
  await page.getByTestId('add-ask').click()
}

/** What the command makes of the same repository, on another machine's worth of empty folder. */
async function hashByCommand(hub: LocalHub): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'add-model-'))
  try {
    const args = ['add', REPOSITORY, '--hub', hub.url, '--dtype', 'fp32', '--models-folder', folder]
    const { stdout } = await promisify(execFile)(process.execPath, [COMMAND, ...args])
    return /^hash: ([0-9a-f]{64})$/m.exec(stdout)?.[1] ?? ''
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** The hashes of the visitor's own models, as this browser keeps them. */
function ownHashes(page: Page): Promise<readonly string[]> {
  return page.evaluate(
    () =>
      new Promise<readonly string[]>((resolve, reject) => {
        const opening = indexedDB.open('infernet-own-models')
        opening.onerror = () => reject(new Error('no database'))
        opening.onsuccess = () => {
          const all = opening.result.transaction('models').objectStore('models').getAll()
          all.onsuccess = () =>
            resolve(
              (all.result as { entry: { precisions: { hash: string }[] } }[]).flatMap(({ entry }) =>
                entry.precisions.map(({ hash }) => hash),
              ),
            )
        }
      }),
  )
}

/** The manifest that a browser got of a model that no list names. */
async function lentManifest(page: Page, hash: string): Promise<Manifest> {
  const bytes = await page.evaluate(
    (model) =>
      new Promise<readonly number[]>((resolve, reject) => {
        const opening = indexedDB.open('infernet-lent-models')
        opening.onerror = () => reject(new Error('no database'))
        opening.onsuccess = () => {
          const one = opening.result.transaction('manifests').objectStore('manifests').get(model)
          one.onsuccess = () =>
            resolve([...((one.result as { bytes?: Uint8Array } | undefined)?.bytes ?? [])])
        }
      }),
    hash,
  )
  return readNamedManifest(Uint8Array.from(bytes), modelHash(hash))
}

/** The files of models on a browser's disk: the SHA-256 that each is called by, and its size. */
function keptFiles(page: Page): Promise<[string, number][]> {
  return page.evaluate(async () => {
    const kept: [string, number][] = []
    const read = async (folder: FileSystemDirectoryHandle): Promise<void> => {
      for await (const entry of folder.values())
        if (entry instanceof FileSystemDirectoryHandle) await read(entry)
        else if (/^[0-9a-f]{64}(?:\.part)?$/.test(entry.name))
          kept.push([entry.name, (await entry.getFile()).size])
    }
    await read(await navigator.storage.getDirectory())
    return kept
  })
}
