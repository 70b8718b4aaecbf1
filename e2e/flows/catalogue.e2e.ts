import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { BUNDLED_MODELS } from '#shared/models/catalogue/bundled.ts'
import { openTab } from '../fixtures/browser.ts'
import { startNetwork } from '../fixtures/lending-network.ts'

it('the picker shows what relay and page propose: found by typing, with its doubts, and only what can be asked is chosen', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'infernet-catalogue-'))
  const file = join(folder, 'list.json')
  const [tiny] = BUNDLED_MODELS
  const renamed = { ...tiny, id: 'gpt-9', name: 'GPT-9', about: 'Knows everything.' }
  await writeFile(file, JSON.stringify({ format: 'infernet/catalogue/1', entries: [renamed] }))
  await using network = await startNetwork({ args: ['--catalogue', file] })
  const tab = await openTab(network.browser, network.relay.url)
  const { page } = tab
  const picker = page.getByTestId('model-picker')
  await picker.getByText('GPT-9').waitFor()
  await picker.click()
  const options = page.getByTestId('model-option')
  await options.first().waitFor()
  // The relay's name comes first, and what this page calls the same files is told.
  expect(await options.first().innerText()).toMatch(
    /GPT-9[^]*“Infernet Tiny” for this page’s list: the same files/,
  )
  const all = await options.count()
  expect(all).toBe(BUNDLED_MODELS.filter(({ task }) => task === 'text-generation').length)
  await page.getByTestId('model-search').fill('qwen 1.7')
  await expect.poll(() => options.count()).toBe(1)
  expect(await options.first().innerText()).toMatch(/about 1\.4 GB · apache-2\.0 · not yet tried here/)
  await page.keyboard.press('Enter') // nobody has added it: that is where it leads
  await expect.poll(() => new URL(page.url()).pathname).toBe('/models')
  await page.getByRole('dialog').getByRole('textbox').first().waitFor()
  await page.goto(network.relay.url)
  await picker.click()
  await page.getByTestId('model-search').fill('gpt')
  await expect.poll(() => options.count()).toBe(1)
  await page.keyboard.press('Enter')
  await options.first().waitFor({ state: 'detached' })
  // No hub can be reached here, and the browser says so.
  expect(tab.errors.filter((each) => !each.startsWith('Failed to load resource'))).toEqual([])
  await rm(folder, { recursive: true })
})
