import { expect, it } from 'vitest'
import { openTab } from '../fixtures/browser.ts'
import { startNetwork } from '../fixtures/lending-network.ts'
import { AskPage } from '../pages/ask-page.ts'
import { ProvidePage } from '../pages/provide-page.ts'
import { engineWorkers } from '../pages/tab.ts'

it('where nobody lends, a tab answers its own question, sends nothing, and does it again with nothing but its page', async () => {
  await using network = await startNetwork({ args: ['--seed-provider', 'off'] })
  const fetched: string[] = []
  const tab = await openTab(network.browser, network.relay.url, {
    prepare: async (profile) => {
      profile.on('request', (request) => fetched.push(new URL(request.url()).pathname))
    },
  })
  const { page } = tab
  const asker = new AskPage(tab)
  const slip = page.getByTestId('slip').last()

  await page.getByRole('button', { name: /^Run it in this tab, \d+ MB to load$/ }).waitFor()
  await asker.ask('What does a relay do?')
  await page.getByText('Nobody lends Infernet Tiny right now.').waitFor()
  await page.getByTestId('run-here').click()
  await asker.waitForState('done')
  expect(await asker.text()).not.toBe('')
  expect(await asker.record()).toMatchObject({ stage: 'done', localFrom: 0, segments: [], due: 0n })
  expect(await slip.innerText()).toMatch(/^this tab\s+,\s+private/)
  expect(await asker.cost()).toBe('free')
  await slip.locator('summary').click()
  await slip.getByText('Question and answer went to nobody').waitFor()
  // Nobody was there to be asked, and no way led through the relay to anybody.
  const metrics = await (await fetch(new URL('/metrics', network.relay.url))).text()
  expect(metrics).toMatch(/^infernet_offers 0$/m)
  expect(metrics).not.toMatch(/^infernet_relayed_connections_total\{result="allowed"\} [1-9]/m)

  // The same tab lends the model then: its engine is there already, and stays the only one.
  const engines = async (): Promise<number> => (await engineWorkers(page)).length
  expect(await engines()).toBe(1)
  await page.getByRole('link', { name: 'Provide' }).click()
  await page.getByTestId('provide-switch').click()
  await new ProvidePage(tab).waitForState('live')
  expect(await engines()).toBe(1)
  await page.getByRole('link', { name: 'Ask', exact: true }).click()

  await page.getByTestId('ask-place').selectOption('tab')
  await page.reload()
  await page.getByRole('heading', { name: 'Ask an AI that runs in this tab.' }).waitFor()
  expect(await page.getByTestId('ask-place').inputValue()).toBe('tab')
  await page.getByTestId('model-picker').getByText('Infernet Tiny').waitFor()
  fetched.length = 0
  // The code of a page that is open may come; nothing else does.
  await page.context().route(
    (url) => !url.pathname.startsWith('/assets/'),
    (route) => route.abort(),
  )
  await asker.ask('What is 7 plus 5?')
  await asker.waitForState('done')
  expect(await asker.record()).toMatchObject({ stage: 'done', localFrom: 0, segments: [] })
  expect(fetched.filter((path) => path.startsWith('/models/'))).toEqual([])
})
