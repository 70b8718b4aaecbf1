import { fileURLToPath } from 'node:url'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { expect, it } from 'vitest'
import { mountDirectory } from '../../relay/directory/mount-directory.ts'
import type { RelayMount } from '../../relay/mount/relay-host.ts'
import { startRelay } from '../../relay/testing/fixtures.ts'
import { buildPage } from '../fixtures/build-page.ts'
import { launchBrowser, openTab } from '../fixtures/browser.ts'
import { AskPage } from '../pages/ask-page.ts'

const pageFolder = fileURLToPath(new URL('../../web/dist', import.meta.url))

/** The directory of a version that is not written yet. */
const newer: RelayMount = async ({ node }) => {
  await node.handle('/infernet/schedule/99', (stream) => void stream.close())
  return { stop: async () => undefined }
}

it('a page that was open when its relay became newer says to reload, and leaves no question hanging', async () => {
  buildPage()
  await using cleanUp = new AsyncDisposableStack()
  const privateKey = await generateKeyPair('Ed25519')
  const before = await startRelay({ pageFolder }, { mounts: [mountDirectory], privateKey })
  const port = Number(new URL(before.httpUrl).port)
  const browser = await launchBrowser({ hasGpu: false })
  cleanUp.defer(() => browser.close())
  const asker = new AskPage(await openTab(browser, before.httpUrl))
  await asker.page.getByText('Nobody is lending a GPU right now.').waitFor()
  await asker.ask('Is anybody there?')

  await before.stop()
  const after = await startRelay({ pageFolder, port }, { mounts: [newer], privateKey })
  cleanUp.defer(() => after.stop())
  const told = asker.page.locator('[data-testid=error-panel][data-code="mesh.outdated"]')
  await told.first().waitFor({ timeout: 30_000 })
  expect(await told.first().innerText()).toMatch(/reload/i)
  await expect.poll(() => asker.state.getAttribute('data-state')).toBe('failed')

  const loaded = asker.page.waitForEvent('load')
  await told.first().getByRole('button', { name: 'Reload' }).click()
  await loaded
})
