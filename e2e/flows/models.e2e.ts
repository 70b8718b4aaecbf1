import { expect, it } from 'vitest'
import { openTab } from '../fixtures/browser.ts'
import { axeViolations } from '../fixtures/axe.ts'
import { providedModel } from '../fixtures/lent-model.ts'
import { oneNetwork } from '../fixtures/one-network.ts'
import { Keyboard } from '../pages/keyboard.ts'
import { ProvidePage } from '../pages/provide-page.ts'

const plain = oneNetwork()

it('shows what is here, refuses to delete it while it is in use, and deletes it after a question, with the keyboard alone', async () => {
  const network = plain()
  const tab = await openTab(network.browser, new URL('/models', network.relay.url).href)
  const { page } = tab
  const keyboard = new Keyboard(page)
  await page.getByRole('heading', { name: 'No model is here yet.' }).waitFor()
  await page
    .getByTestId('models-others')
    .getByRole('button', { name: /^Download Infernet Tiny/ })
    .click()
  await page.getByTestId('accept-licence').click()
  await page.locator('[data-testid=download][data-stage=done]').waitFor()
  await page.getByRole('navigation').getByText('Provide').click()
  const provider = new ProvidePage(tab)
  await page
    .getByTestId('prospect')
    .filter({ hasText: 'not known yet' })
    .or(page.getByText('nothing is paid here'))
    .first()
    .waitFor()
  await page.getByTestId('provide-switch').click()
  await provider.waitForState('live')

  await page.getByRole('navigation').getByText('Models').click()
  await page.getByRole('heading', { name: 'One model is here.' }).waitFor()
  const row = page.getByTestId('model-row')
  await row.filter({ hasText: 'Infernet Tiny' }).getByText('in use now').waitFor()
  expect(await filesOf(page)).toBeGreaterThan(1_000_000)
  const bin = page.getByTestId('delete-model')
  const dialog = page.getByRole('dialog', { name: 'Delete Infernet Tiny?' })
  await keyboard.walkTo(bin)
  await keyboard.press('Enter')
  await dialog.getByText('It is in use now, in this tab or in another one.').waitFor()
  expect(await page.getByTestId('delete-sure').count()).toBe(0)
  expect(await axeViolations(page)).toEqual([])
  await keyboard.press('Escape')
  await dialog.waitFor({ state: 'hidden' })
  await keyboard.expectAt(bin)

  await page.getByRole('navigation').getByText('Provide').click()
  await page.getByTestId('provide-switch').click()
  await provider.waitForState('ended')
  await page.getByRole('navigation').getByText('Models').click()
  await row.filter({ hasText: 'Infernet Tiny' }).waitFor()
  await page.getByText('in use now').waitFor({ state: 'detached' })
  await keyboard.walkTo(bin)
  await keyboard.press('Enter')
  await keyboard.walkTo(page.getByTestId('delete-sure'))
  await keyboard.press('Enter')
  await page.getByRole('heading', { name: 'No model is here yet.' }).waitFor()
  expect(await filesOf(page)).toBe(0)

  // The next start downloads it again.
  await page.getByRole('navigation').getByText('Provide').click()
  await page.reload()
  await page.getByTestId('provide-switch').click()
  await provider.waitForState('live')
  expect(await filesOf(page)).toBeGreaterThan(1_000_000)
  expect(tab.errors).toEqual([])
})

it('opens at the model that somebody came for, and shows it once', async () => {
  const network = plain()
  const hash = await providedModel(network.relay.url)
  const tab = await openTab(network.browser, new URL(`/models?model=${hash}`, network.relay.url).href)
  const { page } = tab
  await page.getByTestId('wanted-model').waitFor()
  const others = page.getByTestId('models-others').getByRole('button')
  await new Keyboard(page).expectAt(others.first())
  expect(await others.first().getAttribute('aria-label')).toMatch(/^Download Infernet Tiny/)
  expect(new URL(page.url()).search, 'a reload does not move the focus again').toBe('')
  expect(tab.errors).toEqual([])
})

it('says that a browser keeps nothing where it gives the page no storage', async () => {
  const network = plain()
  const tab = await openTab(network.browser, new URL('/models', network.relay.url).href, {
    prepare: (profile) =>
      profile.addInitScript(() => {
        StorageManager.prototype.getDirectory = () =>
          Promise.reject(new DOMException('none', 'SecurityError'))
      }),
  })
  await tab.page.getByRole('heading', { name: 'This browser keeps no models.' }).waitFor()
  await tab.page.getByText('as in some private windows').waitFor()
  expect(tab.errors).toEqual([])
})

/** The bytes of all files in the page's own file system. */
async function filesOf(page: ProvidePage['page']): Promise<number> {
  return page.evaluate(async () => {
    const sizeOf = async (folder: FileSystemDirectoryHandle): Promise<number> => {
      let sum = 0
      for await (const entry of folder.values())
        sum += entry instanceof FileSystemDirectoryHandle ? await sizeOf(entry) : (await entry.getFile()).size
      return sum
    }
    return sizeOf(await navigator.storage.getDirectory())
  })
}
