import { expect, it } from 'vitest'
import { recordRegistersOf } from '#shared/peer/record-registers.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { findVerdicts } from '#shared/verify/board/find-records.ts'
import { axeViolations } from '../fixtures/axe.ts'
import { openTab } from '../fixtures/browser.ts'
import { startNetwork } from '../fixtures/lending-network.ts'
import { openProvider } from '../fixtures/network.ts'
import { ProvidePage } from '../pages/provide-page.ts'
import { TestNetwork } from '../peers/test-network.ts'

/** As often as it may be, so that the test need not wait for chance. */
const OFTEN = { 'infernet.audit.per-hour': '600' }

it('a tab that chose to audits another one under new names, and the relay tells its verdict', async () => {
  await using network = await startNetwork()
  await using nodes = new TestNetwork()
  const { browser, relay } = network
  await openProvider(browser, relay.url)
  const address = new URL('/provide?lend=1&backend=wasm', relay.url).href
  const auditor = new ProvidePage(await openTab(browser, address, { settings: OFTEN }))
  await auditor.waitForState('live', { timeout: 60_000 })
  await auditor.waitForOffer()
  const { page } = auditor
  await page.getByRole('link', { name: 'Network', exact: true }).click()

  const state = page.getByTestId('audit-state')
  await state.waitFor()
  expect(await state.innerText()).toBe('Off.')
  expect(await page.getByTestId('tab-audit').innerText()).toContain('It costs no money')
  await page.getByTestId('audit-switch').focus()
  await page.keyboard.press('Space')
  await page.locator('[data-testid=audit-found] li').first().waitFor({ timeout: 90_000 })
  expect(await axeViolations(page)).toEqual([])

  // Short answers come to nothing; none may be called different.
  const judged = page.locator(
    '[data-testid=audit-found] li:is([data-outcome=agrees], [data-outcome=inconclusive])',
  )
  await judged.first().waitFor({ timeout: 90_000 })
  expect(await page.locator('[data-testid=audit-found] li[data-outcome=differs]').count()).toBe(0)
  await page.getByTestId('audit-switch').click()
  await expect.poll(() => state.innerText()).toMatch(/^Off\. Today it asked \d+ question/)

  const reader = await nodes.node({ relays: [relay.address] })
  const { offers } = await reader.peer.look()
  const ports = recordRegistersOf(reader.node, realClock, reader.joined).registers.map(({ port }) => port)
  const found = await Promise.all(
    offers.map(({ offer }) => findVerdicts(ports, offer.provider, { now: () => realClock.now() })),
  )
  const told = found.flat()
  expect(told.length).toBeGreaterThan(0)
  // Signed by the name that the auditing tab lends under: names of probes are nobody's.
  const names = offers.map(({ offer }) => offer.provider)
  for (const { verifier, verdict } of told) {
    expect(names).toContain(verifier)
    expect(verdict.provider).not.toBe(verifier)
    expect(verdict.outcome).not.toBe('differs')
  }
}, 240_000)
