import { expect, it } from 'vitest'
import { FAMILIES } from '#shared/model-kit/families/families.ts'
import { addFromHub } from '../fixtures/add-from-hub.ts'
import { axeViolations } from '../fixtures/axe.ts'
import { openTab } from '../fixtures/browser.ts'
import { startNetwork } from '../fixtures/lending-network.ts'
import { AskPage } from '../pages/ask-page.ts'
import { Keyboard } from '../pages/keyboard.ts'
import { ProvidePage } from '../pages/provide-page.ts'

const BOUND = { card: { license: 'llama3.2' }, changed: { LICENSE: 'Do no harm.' } }

it('a licence that binds is shown before anything of the model is loaded, to lend it and to run it here; refused, nothing is; accepted once, it is never asked for again', async () => {
  await using network = await startNetwork({ args: ['--seed-provider', 'off'] })
  const [model] = FAMILIES
  if (!model) throw new Error('no family')
  const hash = await addFromHub(network.relay, 'some-lab/Small-Llama', model, BOUND)
  const read: string[] = []
  const tab = await openTab(network.browser, new URL('/provide', network.relay.url).href, {
    settings: { 'infernet.provide.model': hash, 'infernet.ask.model': hash, 'infernet.ask.place': 'tab' },
    prepare: async (profile) =>
      void profile.on('request', (request) => read.push(new URL(request.url()).pathname)),
  })
  const weights = (): readonly string[] => read.filter((path) => path.endsWith('.onnx'))
  const { page } = tab
  const [provider, asker, keyboard] = [new ProvidePage(tab), new AskPage(tab), new Keyboard(page)]
  const [accept, power] = [page.getByTestId('accept-licence'), page.getByTestId('provide-switch')]

  await page.getByTestId('prospect').filter({ hasText: 'licence llama3.2' }).waitFor()
  await keyboard.walkTo(power)
  await keyboard.press('Space')
  const lending = page.getByRole('dialog', { name: 'Lend Small Llama?' })
  await lending.getByText('Licence: llama3.2').waitFor()
  await lending.getByText('Asking for pieces tells peers which model you fetch').waitFor()
  expect(await axeViolations(page)).toEqual([])
  await keyboard.press('Escape')
  await lending.waitFor({ state: 'hidden' })
  const refused = await provider.problem('origin.unaccepted')
  await refused.getByText('The licence llama3.2 was not accepted, so nothing was loaded.').waitFor()
  await keyboard.expectAt(power)
  expect([weights(), await storedBytes(page)]).toEqual([[], 0])

  await page.getByRole('navigation').getByText('Ask').click()
  await asker.ask('Hello?')
  const running = page.getByRole('dialog', { name: 'Run Small Llama in this tab?' })
  await running.getByText('Licence: llama3.2').waitFor()
  await page.getByTestId('decline-licence').click()
  await page.getByText('The licence llama3.2 was not accepted, so nothing was loaded.').waitFor()
  expect([weights(), await storedBytes(page)]).toEqual([[], 0])

  await page.getByRole('button', { name: 'Show the licence' }).click()
  await running.waitFor()
  await keyboard.walkTo(accept)
  await keyboard.press('Enter')
  await asker.waitForState('done')
  expect(await asker.record()).toMatchObject({ stage: 'done', localFrom: 0, segments: [] })
  expect(weights().length).toBeGreaterThan(0)

  await page.getByRole('navigation').getByText('Provide').click()
  await power.click()
  await provider.waitForState('live')
  expect(await page.getByRole('dialog').count()).toBe(0)
  expect(tab.errors).toEqual([])
})

/** Bytes of models that this browser keeps. */
function storedBytes(page: ProvidePage['page']): Promise<number> {
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
