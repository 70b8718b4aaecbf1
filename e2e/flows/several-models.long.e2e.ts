import type { Page } from 'playwright'
import { expect, it } from 'vitest'
import { FAMILIES } from '#shared/model-kit/families/families.ts'
import { addFromHub } from '../fixtures/add-from-hub.ts'
import { openTab } from '../fixtures/browser.ts'
import { startNetwork } from '../fixtures/lending-network.ts'
import { providedModel } from '../fixtures/lent-model.ts'
import { AskPage } from '../pages/ask-page.ts'
import { ProvidePage } from '../pages/provide-page.ts'

/** A quiet minute, and two loads. */
const MEASURED_MS = 150_000

it('a model that was never loaded here is measured in a quiet minute, and offered no longer once its files have gone', async () => {
  await using network = await startNetwork({ args: ['--seed-provider', 'off'] })
  const { relay, browser } = network
  const [model] = FAMILIES
  if (!model) throw new Error('no family')
  const small = await addFromHub(relay, 'some-lab/Small-Llama', model)
  const tiny = await providedModel(relay.url)

  const settings = { 'infernet.provide.others': 'yes', 'infernet.models.licences': `${small} ${tiny}` }
  const tab = await openTab(browser, new URL('/models', relay.url).href, { settings })
  const { page } = tab
  const download = page.getByRole('button', { name: /^Download Small Llama/ })
  await download.click()
  await page.locator('[data-testid=download][data-stage=done]').waitFor()
  const files = await filesHere(page)
  expect(files.length).toBeGreaterThan(0)

  const provider = new ProvidePage(tab)
  await page.getByRole('navigation').getByText('Provide').click()
  await page.getByTestId('provide-model').selectOption(tiny)
  await page.getByTestId('provide-switch').click()
  await provider.waitForState('live')
  await provider.waitForOffer()
  const place = (hash: string, at: string) =>
    page.locator(`[data-testid=lent-model][data-model="${hash}"][data-place=${at}]`)
  await place(small, 'unmeasured').waitFor()
  await place(small, 'kept').waitFor({ timeout: MEASURED_MS })
  await place(tiny, 'loaded').waitFor()

  await removeFiles(page, files)
  const asker = new AskPage(await openTab(browser, relay.url))
  await asker.page.getByTestId('model-picker').click()
  await asker.page.getByTestId('model-search').fill('small llama')
  await expect.poll(() => asker.page.getByTestId('model-option').count()).toBe(1)
  await asker.page.keyboard.press('Enter')
  await asker.waitForProvider()
  await asker.ask('Hello?')
  await place(small, 'out').getByText('no longer on this device').waitFor()
  await asker.page.locator('[data-testid=answer-state][data-state=failed]').waitFor()
  expect(await asker.record()).toMatchObject({ errorCode: 'stream.draining', segments: [] })
  await provider.waitForState('live')

  await asker.page.getByTestId('model-picker').click()
  await asker.page.getByTestId('model-search').fill('infernet tiny')
  await expect.poll(() => asker.page.getByTestId('model-option').count()).toBe(1)
  await asker.page.keyboard.press('Enter')
  await asker.waitForProvider()
  await asker.ask('What is 2 plus 3?')
  await asker.waitForState('done')
  expect((await asker.record()).segments).toMatchObject([{ kind: 'tab' }])
})

async function filesHere(page: Page): Promise<readonly string[]> {
  return page.evaluate(async () => {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('models')
    const names: string[] = []
    for await (const name of folder.keys()) names.push(name)
    return names
  })
}

/** As the browser, or a person who clears its data, does: past all locks of the page. */
async function removeFiles(page: Page, names: readonly string[]): Promise<void> {
  await page.evaluate(async (gone) => {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('models')
    for (const name of gone) await folder.removeEntry(name)
  }, names)
}
