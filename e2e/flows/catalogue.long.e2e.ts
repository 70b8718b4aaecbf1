import { expect, it } from 'vitest'
import { openTab } from '../fixtures/browser.ts'
import { startNetwork } from '../fixtures/lending-network.ts'

it('a list that its relay did not sign is left out and told; the page goes on with its own', async () => {
  await using network = await startNetwork()
  const served = await (await fetch(new URL('/catalogue.json', network.relay.url))).text()
  const changed = served.replace('Infernet Tiny', 'Infernet Tony')
  expect(changed).not.toBe(served)
  const tab = await openTab(network.browser, network.relay.url, {
    prepare: (profile) =>
      profile.route('**/catalogue.json', (route) =>
        route.fulfill({ body: changed, contentType: 'application/json' }),
      ),
  })
  const { page } = tab
  await page.getByTestId('model-picker').getByText('Infernet Tiny').waitFor()
  await page.getByTestId('model-picker').click()
  await page.getByText('The signature of a proposal is wrong. The relay’s list was left out.').waitFor()
  expect(await page.getByTestId('model-option').count()).toBeGreaterThan(5)
})
