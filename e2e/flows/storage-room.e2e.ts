import { expect, it } from 'vitest'
import { openTab } from '../fixtures/browser.ts'
import { startNetwork } from '../fixtures/lending-network.ts'
import { ProvidePage } from '../pages/provide-page.ts'

it('a model that cannot be kept is refused before its download; one that may be deleted is lent, and that is told', async () => {
  await using network = await startNetwork()
  const fetched: string[] = []
  const tab = await openTab(network.browser, new URL('/provide', network.relay.url).href, {
    prepare: async (profile) => {
      // A device that is nearly full, and a browser that promises nothing.
      await profile.addInitScript(() => {
        const room = { usage: 0, quota: 2_500_000 }
        Object.assign(globalThis, { room })
        StorageManager.prototype.estimate = async () => room
        StorageManager.prototype.persist = async () => false
      })
      profile.on('request', (request) => fetched.push(new URL(request.url()).pathname))
    },
  })
  const provider = new ProvidePage(tab)
  await tab.page.getByTestId('provide-switch').click()
  const problem = await provider.problem('models.no-space')
  expect(await problem.innerText()).toMatch(/needs \d+ MB of storage; 2 MB are free\./)
  expect(fetched.filter((path) => /\.(?:onnx|wasm)$/.test(path))).toEqual([])

  // The engine's runtime comes beside the model, and not after it: the weights wait for it here.
  const runtime = Promise.withResolvers<void>()
  tab.page.on('request', (request) => request.url().endsWith('.wasm') && runtime.resolve())
  await tab.page.context().route('**/*.onnx', async (route) => {
    await runtime.promise
    await route.continue()
  })

  await tab.page.evaluate(() => {
    Object.assign((globalThis as unknown as { room: object }).room, { quota: 1e9 })
  })
  await problem.getByRole('button', { name: 'Try again' }).click()
  await provider.waitForState('live')
  await tab.page.getByText('This browser may delete it when space gets short.').waitFor()
  expect(fetched.filter((path) => path.endsWith('.onnx'))).not.toEqual([])
  expect(tab.errors).toEqual([])
})
