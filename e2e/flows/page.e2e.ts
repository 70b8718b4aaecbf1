import type { Page } from 'playwright'
import { describe, expect, it } from 'vitest'
import { openChanged } from '../fixtures/changed-browser.ts'
import { fetchThrough } from '../fixtures/fetch-through.ts'
import { launchBrowser, openTab } from '../fixtures/browser.ts'
import { openConsumer, openProvider } from '../fixtures/network.ts'
import { startNetwork } from '../fixtures/lending-network.ts'
import { offersAt, oneNetwork } from '../fixtures/one-network.ts'
import { AskPage } from '../pages/ask-page.ts'
import { Keyboard } from '../pages/keyboard.ts'
import { ProvidePage } from '../pages/provide-page.ts'

describe('the page', () => {
  const plain = oneNetwork()

  it('is used with the keyboard alone: lends, asks, stops, asks again, chooses a model, answers a dialog', async () => {
    const network = plain()
    const provider = new ProvidePage(
      await openTab(network.browser, new URL('/provide', network.relay.url).href, {
        settings: { 'infernet.provide.duty': '10' },
      }),
    )
    const keyboard = new Keyboard(provider.page)
    await provider.page.getByText('Switch on', { exact: true }).waitFor()
    await keyboard.walkTo(provider.page.getByTestId('provide-switch'))
    await keyboard.press('Space')
    await provider.waitForState('live')
    await provider.waitForOffer()
    await keyboard.walkTo(provider.page.getByTestId('pause'))
    await keyboard.press('Enter')
    await provider.waitForState('paused')
    await keyboard.expectAt(provider.page.getByTestId('resume'))
    await keyboard.press('Enter')
    await provider.waitForState('live')
    await provider.waitForOffer()

    const consumer = await openConsumer(network.browser, network.relay.url)
    const { page } = consumer
    const asker = new Keyboard(page)
    const prompt = page.getByTestId('prompt-input')
    await asker.walkTo(prompt)
    await asker.type('Tell me a story about a fox and a lantern.')
    await asker.press('Enter')
    await consumer.waitForState('answering')
    await asker.walkTo(page.getByTestId('stop'))
    await asker.press('Enter')
    await consumer.waitForState('done')
    expect((await consumer.record()).stage).toBe('stopped')
    await asker.expectAt(page.getByTestId('send'))
    await asker.walkTo(page.getByTestId('retry'), { backwards: true })
    await asker.press('Enter')
    await consumer.waitForState('answering')
    await asker.expectAt(prompt)
    await asker.walkTo(page.getByTestId('stop'))
    await asker.press('Space')
    await consumer.waitForState('done')

    const picker = page.getByTestId('model-picker')
    await asker.walkTo(picker, { backwards: true })
    await asker.press('Enter')
    const option = page.getByTestId('model-option').first()
    await option.waitFor()
    await expect.poll(() => option.evaluate((each) => getComputedStyle(each).outlineStyle)).toBe('solid')
    await asker.press('Escape')
    await option.waitFor({ state: 'detached' })
    await asker.expectAt(picker)
    await asker.press('Enter')
    await option.waitFor()
    await asker.press('Enter')
    await asker.expectAt(picker)

    const deleteAll = page.getByRole('complementary').getByRole('button', { name: 'Delete all' })
    await asker.walkTo(deleteAll, { backwards: true })
    await asker.press('Enter')
    const dialog = page.getByRole('dialog', { name: 'Delete all conversations?' })
    await dialog.waitFor()
    await asker.press('Escape')
    await dialog.waitFor({ state: 'hidden' })
    await asker.expectAt(deleteAll)
    await asker.press('Enter')
    await asker.walkTo(dialog.getByRole('button', { name: 'Delete all' }))
    await asker.press('Enter')
    await page.getByRole('complementary').getByText('Nothing asked yet.').waitFor()
    await asker.expectAt(prompt)
  })

  // Not the first: for some seconds a new relay does not know yet that nobody lends.
  it('keeps a prompt until somebody lends, then sends it', async () => {
    const network = plain()
    const consumer = new AskPage(await openTab(network.browser, network.relay.url))
    await consumer.ask('What is a relay?')
    await consumer.page.getByText('Nobody lends').waitFor()
    await openProvider(network.browser, network.relay.url)
    await consumer.waitForState('done')
    expect(await consumer.text()).toMatch(/relay/i)
    expect(consumer.tab.errors).toEqual([])
  })

  it('pauses, goes on, finishes its answer when it leaves in order, and comes back under its name; a small window shows it all', async () => {
    const network = plain()
    const provider = await openProvider(network.browser, network.relay.url, { dutyPercent: 20 })
    const small = await provider.openSmallWindow()
    const words = (): Promise<string> => small.locator('.mini').innerText()
    await expect.poll(words).toMatch(/^Lending\s+0 tokens served\s+Nobody at the moment/)
    await small.getByRole('button', { name: 'Pause' }).click()
    await provider.waitForState('paused')
    await expect.poll(() => offersAt(network.relay.url)).toBe(0)
    await expect.poll(words).toMatch(/^Paused/)
    await provider.resume()
    expect(await offersAt(network.relay.url)).toBe(1)
    const consumer = await openConsumer(network.browser, network.relay.url)
    await consumer.ask('Tell me a story about a fox and a lantern.')
    await consumer.waitForState('answering')
    await expect.poll(words).toMatch(/^Lending\s+[1-9]\d* tokens served\s+1 answer now/)
    await small.getByRole('button', { name: 'Stop lending' }).click()
    await provider.waitForState('draining')
    await expect.poll(words).toMatch(/^Finishing/)
    await consumer.waitForState('done')
    const [answered, ...others] = (await consumer.record()).segments
    expect(others).toEqual([])
    await provider.waitForState('ended')
    await expect.poll(() => offersAt(network.relay.url)).toBe(0)
    await expect.poll(words).toMatch(/^Off/)
    expect(await small.getByRole('button').count()).toBe(0)
    await provider.page.getByRole('button', { name: 'Close the small window' }).click()
    await expect.poll(() => small.isClosed()).toBe(true)
    expect(provider.tab.errors).toEqual([])
    await provider.page.reload() // its address says that it provides at once
    await provider.waitForState('live')
    await provider.waitForOffer()
    await consumer.ask('What is a relay?')
    await consumer.waitForState('done')
    expect((await consumer.record()).segments).toMatchObject([{ provider: answered?.provider }])
  })

  it('is answered by the seed provider when no tab lends; keeps it over a reload, and forgets it when told so', async () => {
    await using network = await startNetwork({ args: ['--seed-provider', 'on'] })
    const consumer = await openConsumer(network.browser, network.relay.url)
    await consumer.ask('What is a provider?')
    await consumer.waitForState('done')
    expect((await consumer.record()).segments).toMatchObject([{ kind: 'node', path: 'websocket' }])
    expect(consumer.tab.errors).toEqual([])
    await consumer.page.reload()
    await consumer.page.getByRole('complementary').getByText('What is a provider?').click()
    await consumer.answer.waitFor()
    await consumer.page.getByRole('button', { name: 'Delete all' }).first().click()
    await consumer.page
      .getByRole('dialog')
      .getByRole('button', { name: /delete/i })
      .click()
    await expect
      .poll(() => consumer.page.getByRole('complementary').getByText('What is a provider?').count())
      .toBe(0)
  })

  // `page.long.e2e.ts` has a browser without WebGPU.
  it('says what stands in the way of lending and what to do: no adapter, plain http, no memory', async () => {
    const network = plain()
    const { relay } = network
    const blind = await launchBrowser({
      hasGpu: false,
      flags: ['--host-resolver-rules=MAP elsewhere.test 127.0.0.1'],
    })
    try {
      const refused = await openChanged(blind, relay.url)
      const noAdapter = await refused.problem('engine.no-adapter')
      expect(await noAdapter.innerText()).toContain('Turn on hardware acceleration in the browser settings')
      expect(await noAdapter.getByRole('button').allInnerTexts()).toEqual([
        'Try again',
        'Lend your processor instead',
      ])

      const insecure = await openChanged(blind, `http://elsewhere.test:${relay.port}`)
      const plainHttp = await insecure.problem('mesh.insecure-page')
      await plainHttp.getByRole('button', { name: 'Show how' }).click()
      await insecure.page
        .getByRole('dialog')
        .getByText(`ssh -L ${relay.port}:localhost:${relay.port} elsewhere.test`)
        .waitFor()
      await expectNothingToPress(insecure.page)
    } finally {
      await blind.close()
    }

    const small = await openChanged(network.browser, relay.url, {
      query: '?lend=1&backend=webgpu',
      change: takenForReal,
      inWorker: `(${withLittleMemory.toString()})(${SMALL_MEMORY_BYTES})`,
    })
    const noMemory = await small.problem('engine.out-of-memory')
    expect(await noMemory.innerText()).toMatch(/needs \d+ MB of the GPU's memory; about \d+ MB are free/)
    expect(await noMemory.innerText()).toContain('Close other tabs that use the GPU')
    await small.page.getByRole('heading', { name: 'This model is too large here.' }).waitFor()
    await noMemory.getByRole('button', { name: 'Choose a smaller model' }).click()
    expect(await small.page.evaluate(() => document.activeElement?.id)).toBe('provide-model')
    await noMemory.getByRole('button', { name: 'Try again' }).click()
    await small.waitForState('live')
    expect(await small.page.locator('main').innerText()).toMatch(
      /MB are free\. The processor lends instead: much slower, and labelled CPU\./,
    )
    expect(small.tab.errors).toEqual([])
  })

  it('says so when no relay answers, and comes back by itself', async () => {
    await using network = await startNetwork({ args: ['--seed-provider', 'on'] })
    const { startRelayProcess } = await import('../fixtures/relay-process.ts')
    const consumer = await openConsumer(network.browser, network.relay.url)
    network.relay.process.kill('SIGKILL')
    await consumer.page
      .getByText(/no relay/i)
      .first()
      .waitFor()
    const { dataFolder, port } = network.relay
    const again = await startRelayProcess({ dataFolder, port, args: ['--seed-provider', 'on'] })
    try {
      await consumer.ask('What is a relay?')
      await consumer.waitForState('done')
    } finally {
      await again.stop()
    }
  })

  it('sends what was sent before the list of models was there, once it is, and not what was changed since', async () => {
    const network = plain()
    const provider = await openProvider(network.browser, network.relay.url)
    const tab = await openTab(network.browser, 'about:blank')
    const held: (() => Promise<void>)[] = []
    let holds = true
    await tab.page.route('**/catalogue.json', async (route) => {
      if (holds) held.push(() => route.continue())
      else await route.continue()
    })
    const release = async (): Promise<void> => {
      holds = false
      for (const go of held.splice(0)) await go()
    }
    const asker = new AskPage(tab)
    const prompt = tab.page.getByTestId('prompt-input')
    const estimate = tab.page.getByTestId('estimate')
    const waits = /as soon as the list of models/
    await tab.page.goto(network.relay.url)
    await prompt.fill('What is a relay?')
    await prompt.press('Enter')
    await estimate.getByText(waits).waitFor()
    await release()
    await asker.waitForState('done')
    expect(await prompt.inputValue()).toBe('')

    holds = true
    await tab.page.goto(network.relay.url)
    await prompt.fill('What is a fox?')
    await prompt.press('Enter')
    await estimate.getByText(waits).waitFor()
    await prompt.fill('What is an owl?')
    await estimate.getByText(waits).waitFor({ state: 'detached' })
    await release()
    await asker.waitForProvider()
    expect(await prompt.inputValue()).toBe('What is an owl?')
    expect(await tab.page.getByTestId('answer-state').count()).toBe(0)
    await provider.page.close()
  })

  it('refuses a model file that was changed on its way, by name', async () => {
    const network = plain()
    // From peers it would come as it is.
    const settings = { 'infernet.models.origins-only': 'yes' }
    const tab = await openTab(network.browser, 'about:blank', { settings })
    await tab.page.context().route('**/model.onnx*', async (route) => {
      const response = await fetchThrough(route)
      if (!response) return
      const body = await response.body()
      body[1000] = (body[1000] ?? 0) ^ 1
      await route.fulfill({ response, body })
    })
    await tab.page.goto(new URL('/provide?lend=1&backend=wasm', network.relay.url).href)
    await tab.page.locator('[data-testid=error-panel][data-code="models.corrupt"]').waitFor()
  })
})

/** Over plain http nothing can be asked: no other page offers to try. */
async function expectNothingToPress(page: Page): Promise<void> {
  const { origin } = new URL(page.url())
  for (const path of ['/', '/network']) {
    await page.goto(origin + path)
    const panel = page.locator('[data-testid=error-panel][data-code="mesh.insecure-page"]')
    await panel.waitFor()
    expect(await panel.innerText()).toContain('Open it over https, or at localhost')
    expect(await page.getByRole('button', { name: /^Try/ }).count()).toBe(0)
  }
  await page.goto(origin)
  await page.getByRole('heading', { name: 'This page is not secure.' }).waitFor()
  await page.getByTestId('prompt-input').fill('What is a relay?')
  await page.getByTestId('prompt-input').press('Enter')
  expect(await page.getByTestId('send').isDisabled()).toBe(true)
  expect(await page.getByTestId('answer-state').count()).toBe(0)
  await page.getByRole('link', { name: 'Show how' }).click()
  await page.locator('[data-testid=error-panel][data-code="mesh.insecure-page"]').waitFor()
}

/** The software adapter is passed over for the processor unless it says that it is a real one. */
function takenForReal(): void {
  Object.defineProperty(GPUAdapterInfo.prototype, 'isFallbackAdapter', { get: () => false })
}

/** More than the largest tensor of the bundled model, less than all that it needs. */
const SMALL_MEMORY_BYTES = 64 * 2 ** 20

/** A GPU with that much memory: what goes beyond it fails as WebGPU says, with an invalid buffer and an error scope. */
function withLittleMemory(limitBytes: number): void {
  const { prototype } = GPUDevice
  const { createBuffer, popErrorScope } = prototype as {
    createBuffer: (this: GPUDevice, descriptor: GPUBufferDescriptor) => GPUBuffer
    popErrorScope: (this: GPUDevice) => Promise<GPUError | null>
  }
  let takenBytes = 0
  let isFull = false
  prototype.createBuffer = function (descriptor) {
    takenBytes += descriptor.size
    isFull = takenBytes > limitBytes
    return createBuffer.call(this, isFull ? { ...descriptor, usage: 0 } : descriptor)
  }
  prototype.popErrorScope = function () {
    const error = isFull ? new GPUOutOfMemoryError('no room') : undefined
    isFull = false
    return popErrorScope.call(this).then((real) => error ?? real)
  }
}
