import { describe, it } from 'vitest'
import { launchBrowser } from '../fixtures/browser.ts'
import { openChanged } from '../fixtures/changed-browser.ts'
import { oneNetwork } from '../fixtures/one-network.ts'

describe('the page', () => {
  const plain = oneNetwork()

  it('says what a browser without WebGPU can do, and lends its processor instead', async () => {
    const { relay } = plain()
    const blind = await launchBrowser({ hasGpu: false })
    try {
      const old = await openChanged(blind, relay.url, { change: withoutWebGpu })
      const noWebGpu = await old.problem('engine.no-webgpu')
      await noWebGpu.getByText('Use a current Chrome, Edge, Firefox or Safari').waitFor()
      await noWebGpu.getByRole('button', { name: 'Lend your processor instead' }).click()
      await old.waitForState('live')
      await old.page.getByText('Much slower than a GPU, and labelled CPU.').waitFor()
      await old.waitForOffer()
      await old.page.getByRole('navigation').getByText('Network').click()
      await old.page.getByTestId('offer-row').filter({ hasText: 'this tab' }).getByText('CPU').waitFor()
    } finally {
      await blind.close()
    }
  })
})

function withoutWebGpu(): void {
  Reflect.deleteProperty(Navigator.prototype, 'gpu')
}
