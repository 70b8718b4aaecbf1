import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Page } from 'playwright'
import { expect, it } from 'vitest'
import { FAMILIES } from '#shared/model-kit/families/families.ts'
import { axeViolations } from '../fixtures/axe.ts'
import { openTab } from '../fixtures/browser.ts'
import { startNetwork } from '../fixtures/lending-network.ts'
import { makeHubRepository } from '../hub/hub-repository.ts'
import { startLocalHub, type LocalHub } from '../hub/local-hub.ts'
import { AskPage } from '../pages/ask-page.ts'

const COMMAND = fileURLToPath(new URL('../run/model.ts', import.meta.url))
const REPOSITORY = 'some-lab/Small-Llama'
const GATED = 'some-lab/Gated-Llama'

it('a visitor adds a model of a hub by its name, after faults that are told in words; it has the hash that it has everywhere, answers here without the hub, and is kept', async () => {
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
    expect(tab.errors.filter((error) => !/Failed to load resource/.test(error))).toEqual([])
  } finally {
    await hub.stop().catch(() => undefined)
  }
})

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
