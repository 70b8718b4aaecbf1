import { expect, it } from 'vitest'
import { FAMILIES } from '#shared/model-kit/families/families.ts'
import { openTab } from '../fixtures/browser.ts'
import { startNetwork } from '../fixtures/lending-network.ts'
import { makeHubRepository } from '../hub/hub-repository.ts'
import { MEMBER_TOKEN, startLocalHub } from '../hub/local-hub.ts'
import { ProvidePage } from '../pages/provide-page.ts'

const GATED = 'some-lab/Gated-Llama'

it('a gated model that was deleted is lent again with the visitor’s token, and without it the page says what to do', async () => {
  const [model] = FAMILIES
  if (!model) throw new Error('no family')
  const card = { license: 'llama3.2' }
  const repository = { name: GATED, model, dtypes: ['fp32'], card, gated: 'manual' } as const
  const hub = await startLocalHub([await makeHubRepository(repository)])
  try {
    await using network = await startNetwork({ args: ['--seed-provider', 'off', '--hub', hub.url] })
    const tab = await openTab(network.browser, new URL('/models?add=1&token=1', network.relay.url).href)
    const { page } = tab
    const provider = new ProvidePage(tab)
    await page.getByTestId('add-token').fill(MEMBER_TOKEN)
    await page.getByTestId('add-name').fill(GATED)
    await page.getByTestId('add-ask').click()
    await page.getByTestId('add-accept').check()
    await page.getByTestId('add-go').click()
    await page.locator('[data-testid=download][data-stage=done]').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click()
    await page.getByTestId('delete-model').click()
    await page.getByTestId('delete-sure').click()
    await page.getByRole('heading', { name: 'No model is here yet.' }).waitFor()

    await page.reload()
    await page.getByRole('navigation').getByText('Provide').click()
    const choices = page.getByTestId('provide-model')
    await choices.selectOption({ label: await labelOf(choices, 'Gated Llama') })
    await page.getByTestId('provide-switch').click()
    await provider.waitForState('live')
    expect(await page.getByRole('dialog').count(), 'its licence was accepted when it was added').toBe(0)
    expect(hub.tokensAtStorage).toBe(0)
    await page.getByTestId('provide-switch').click()
    await provider.waitForState('ended')

    await page.getByRole('navigation').getByText('Models').click()
    await page.getByTestId('delete-model').click()
    await page.getByTestId('delete-sure').click()
    await page.getByRole('heading', { name: 'No model is here yet.' }).waitFor()
    await page.evaluate(() => localStorage.removeItem('infernet.models.hub-token'))
    await page.getByRole('navigation').getByText('Provide').click()
    await page.reload()
    await page.getByTestId('provide-switch').click()
    const problem = await provider.problem('origin.gated', { timeout: 60_000 })
    await problem.getByText(`The hub gives ${GATED} only to accounts that accepted its terms.`).waitFor()
    await problem.getByRole('link', { name: 'Enter a token' }).click()
    await page.getByTestId('add-token').fill(MEMBER_TOKEN)
    await page.getByTestId('add-token').press('Tab')
    await page.keyboard.press('Escape')
    await page.getByRole('navigation').getByText('Provide').click()
    await page.getByRole('button', { name: 'Try again' }).click()
    await provider.waitForState('live')
  } finally {
    await hub.stop()
  }
})

async function labelOf(
  choices: ReturnType<ProvidePage['page']['getByTestId']>,
  name: string,
): Promise<string> {
  const option = choices.locator('option').filter({ hasText: name })
  await option.first().waitFor({ state: 'attached' })
  return (await option.first().textContent()) ?? ''
}
