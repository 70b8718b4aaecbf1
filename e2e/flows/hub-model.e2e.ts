import { expect, it } from 'vitest'
import { FAMILIES } from '#shared/model-kit/families/families.ts'
import { addFromHub } from '../fixtures/add-from-hub.ts'
import { openTab } from '../fixtures/browser.ts'
import { startNetwork } from '../fixtures/lending-network.ts'
import { AskPage } from '../pages/ask-page.ts'
import { ProvidePage } from '../pages/provide-page.ts'

const REPOSITORY = 'some-lab/Small-Llama'

it('a model added from a hub is lent by one tab and asked by another, which gets only its tokenizer and manifest', async () => {
  await using network = await startNetwork()
  const { relay, browser } = network
  const [model] = FAMILIES
  if (!model) throw new Error('no family')
  const hash = await addFromHub(relay, REPOSITORY, model)

  const provider = new ProvidePage(await openTab(browser, new URL('/provide', relay.url).href))
  await provider.page.getByTestId('provide-model').selectOption(hash)
  await provider.page.getByTestId('provide-switch').click()
  await provider.waitForState('live')
  await provider.waitForOffer()

  const read: string[] = []
  const tab = await openTab(browser, 'about:blank')
  tab.page.on('request', (request) => void read.push(new URL(request.url()).pathname))
  await tab.page.goto(relay.url)
  await tab.page.getByTestId('model-picker').click()
  await tab.page.getByTestId('model-search').fill('small llama')
  await expect.poll(() => tab.page.getByTestId('model-option').count()).toBe(1)
  await tab.page.keyboard.press('Enter')
  const asker = new AskPage(tab)
  await asker.waitForProvider()
  await asker.ask('Hello?')
  await asker.waitForState('done')
  const { segments, tokens } = await asker.record()
  expect(segments).toMatchObject([{ kind: 'tab', path: 'webrtc', backend: 'wasm' }])
  expect(tokens).toBeGreaterThan(0)
  const files = read.filter((path) => path.includes('/some-lab')).map((path) => path.split('/').at(-1))
  expect(new Set(files)).toEqual(
    new Set(['manifest.fp32.json', 'tokenizer.json', 'tokenizer_config.json', 'generation_config.json']),
  )
  for (const { errors } of [tab, provider.tab]) expect(errors).toEqual([])
})
