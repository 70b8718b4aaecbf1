import { expect, it } from 'vitest'
import { FAMILIES } from '#shared/model-kit/families/families.ts'
import { addFromHub } from '../fixtures/add-from-hub.ts'
import { openTab } from '../fixtures/browser.ts'
import { startNetwork } from '../fixtures/lending-network.ts'
import { providedModel } from '../fixtures/lent-model.ts'
import { AskPage } from '../pages/ask-page.ts'
import { ProvidePage } from '../pages/provide-page.ts'
import { engineWorkers } from '../pages/tab.ts'
import { TestNetwork } from '../peers/test-network.ts'

const REPOSITORY = 'some-lab/Small-Llama'

it('a tab lends two models that it keeps, one loaded and one from the disk, and answers a stranger with each', async () => {
  await using network = await startNetwork({ args: ['--seed-provider', 'off'] })
  const { relay, browser } = network
  const [model] = FAMILIES
  if (!model) throw new Error('no family')
  const small = await addFromHub(relay, REPOSITORY, model)
  const tiny = await providedModel(relay.url)

  const settings = { 'infernet.provide.others': 'yes', 'infernet.models.licences': `${small} ${tiny}` }
  const provider = new ProvidePage(await openTab(browser, new URL('/provide', relay.url).href, { settings }))
  const { page } = provider
  const lend = async (hash: string): Promise<void> => {
    await page.getByTestId('provide-model').selectOption(hash)
    await page.getByTestId('provide-switch').click()
    await provider.waitForState('live')
  }
  const place = (hash: string, at: string) =>
    page.locator(`[data-testid=lent-model][data-model="${hash}"][data-place=${at}]`)
  await lend(small)
  await page.getByTestId('provide-switch').click()
  await provider.waitForState('ended')
  await lend(tiny)
  await provider.waitForOffer()
  await place(small, 'kept').waitFor() // what it showed before is known: nothing is loaded for the offer
  expect(await engineWorkers(page)).toHaveLength(1)

  await using peers = new TestNetwork()
  const { peer } = await peers.node({ relays: [relay.address] })
  const tiers = async () =>
    new Map((await peer.look()).offers.map(({ offer }) => [offer.model, offer.tier] as const))
  await expect.poll(tiers).toEqual(
    new Map([
      [tiny, undefined],
      [small, 'disk'],
    ]),
  )

  const asker = new AskPage(await openTab(browser, relay.url))
  await asker.waitForProvider()
  await asker.ask('What is 2 plus 3?')
  await asker.waitForState('done')
  const first = await asker.record()
  await asker.page.getByTestId('model-picker').click()
  await asker.page.getByTestId('model-search').fill('small llama')
  await expect.poll(() => asker.page.getByTestId('model-option').count()).toBe(1)
  await asker.page.keyboard.press('Enter')
  await asker.waitForProvider()
  const waits = await asker.noteWaits()
  await asker.ask('Hello?')
  await asker.waitForState('done')
  const second = await asker.record()
  for (const { segments } of [first, second])
    expect(segments).toMatchObject([{ kind: 'tab', provider: first.segments[0]?.provider }])
  expect(second.tokens).toBeGreaterThan(0)
  expect((await waits()).join()).toContain('The tab that answers loads the model first')
  await place(small, 'loaded').waitFor()
  await place(tiny, 'kept').waitFor()
  expect(await engineWorkers(page)).toHaveLength(1)
  await expect.poll(tiers).toEqual(
    new Map([
      [tiny, 'disk'],
      [small, undefined],
    ]),
  )
  expect(await provider.servedTokens()).toBe(first.tokens + second.tokens)

  // What is offered from the disk is in use: nobody deletes it.
  await page.getByRole('navigation').getByText('Models').click()
  const row = page.getByTestId('model-row').filter({ hasText: 'Infernet Tiny' })
  await row.getByText('in use now').waitFor()
  await row.getByTestId('delete-model').click()
  await page.getByText('A model that is lent is in use, loaded or not.').waitFor()
  expect(await page.getByTestId('delete-sure').count()).toBe(0)
  for (const { errors } of [provider.tab, asker.tab]) expect(errors).toEqual([])
})
