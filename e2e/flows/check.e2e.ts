import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright'
import { describe, expect, it } from 'vitest'
import { verifyTranscript } from '#shared/stream/transcript.ts'
import { cheatNamed } from '#shared/testing/cheats/cheats.ts'
import { loadTinyParts } from '#shared/testing/cheats/tiny-parts.ts'
import { decodeEvidence } from '#shared/verify/evidence/evidence.ts'
import { lend } from '../check-demo/verifiers.ts'
import { axeViolations } from '../fixtures/axe.ts'
import { openConsumer, openProvider } from '../fixtures/network.ts'
import { startNetwork } from '../fixtures/lending-network.ts'
import { runVerify, withOneTokenChanged } from '../fixtures/run-verify.ts'
import { AskPage } from '../pages/ask-page.ts'
import { TestNetwork } from '../peers/test-network.ts'

function focusedIn(page: Page): Promise<string | null | undefined> {
  return page.evaluate(() => document.activeElement?.getAttribute('data-testid'))
}

/** By the keyboard alone, as somebody who has no mouse. */
async function tabTo(page: Page, testid: string): Promise<void> {
  for (let steps = 0; steps < 12; steps++) {
    if ((await focusedIn(page)) === testid) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`the keyboard does not come to ${testid}`)
}

describe('an answer that somebody has checked', () => {
  it('agrees by a stranger’s computer and by a tab that has the model, and leaves evidence that can be saved', async () => {
    await using network = await startNetwork()
    const { browser, relay } = network
    await openProvider(browser, relay.url)
    const second = await openProvider(browser, relay.url)
    const consumer = await openConsumer(browser, relay.url)
    await consumer.ask('Tell me a story about a fox and a lantern.')
    await consumer.waitForState('done')
    const { page } = consumer
    const mark = page.getByTestId('check-mark').last()
    expect(await mark.getAttribute('data-mark')).toBe('none')

    await mark.focus()
    await page.keyboard.press('Enter')
    await page.getByTestId('check-stranger').waitFor()
    expect(await page.locator('dialog[open]').innerText()).toContain('One more stranger reads your prompt')
    expect(await axeViolations(page)).toEqual([])
    await tabTo(page, 'check-stranger')
    await page.keyboard.press('Enter')
    await page.locator('[data-testid=check-lead][data-mark=agrees]').waitFor({ timeout: 60_000 })
    // Its button is gone: the keyboard goes on where the answer stands.
    expect(await focusedIn(page)).toBe('check-lead')
    const { segments } = await consumer.record()
    const evidence = page.getByTestId('evidence')
    expect(await evidence.getAttribute('data-by')).toBe('peer')
    expect(await axeViolations(page)).toEqual([])
    const downloading = page.waitForEvent('download')
    await page.getByTestId('save-evidence').click()
    const saved = await readFile(await (await downloading).path())
    const file = decodeEvidence(saved)
    expect(file.transcript.provider).toBe(segments[0]?.provider)
    expect(file.verifier).not.toBe(segments[0]?.provider)
    const { tokens } = await verifyTranscript(file.transcript)
    expect(await runVerify(saved)).toMatchObject({
      status: 0,
      said: { verified: 'agrees', own: 'agrees', tokens: tokens.length },
    })
    expect(await runVerify(withOneTokenChanged(saved, tokens))).toMatchObject({
      status: 1,
      said: { refused: 'verify.bad-evidence' },
    })

    await page.keyboard.press('Escape')
    expect(await mark.getAttribute('data-mark')).toBe('agrees')
    expect(await focusedIn(page)).toBe('check-mark')

    // Some words show too little, and that accuses nobody.
    await consumer.ask('What is 2 plus 2?')
    await consumer.waitForState('done')
    await mark.click()
    await page.getByTestId('check-stranger').click()
    await page.locator('[data-testid=check-lead][data-mark=inconclusive]').waitFor({ timeout: 60_000 })
    expect(await page.getByTestId('evidence').innerText()).toContain('too short to tell')
    await page.keyboard.press('Escape')
    await page.reload()
    await page.getByText('Tell me a story about a fox and a lantern.').first().click()
    await page.locator('[data-testid=check-mark][data-mark=agrees]').waitFor()
    await page.locator('[data-testid=check-mark][data-mark=inconclusive]').waitFor()

    // A tab that has the model checks by itself, and nobody is told.
    const lender = new AskPage(second.tab)
    await lender.page.getByRole('link', { name: 'Ask', exact: true }).click()
    await lender.ask('Tell me a story about a fox and a lantern.')
    await lender.waitForState('done')
    await lender.page.getByTestId('check-mark').last().click()
    await lender.page.getByTestId('check-here').click()
    await lender.page.locator('[data-testid=check-lead][data-mark=agrees]').waitFor({ timeout: 60_000 })
    expect(await lender.page.getByTestId('evidence').getAttribute('data-by')).toBe('self')
  })

  it('differs where its provider wrote with other weights, and the next questions go to somebody else', async () => {
    await using network = await startNetwork()
    await using nodes = new TestNetwork()
    const { browser, relay } = network
    const parts = await loadTinyParts()
    nodes.defer(() => parts.close())
    await lend(nodes, relay.address, cheatNamed('other-quantisation').wrap(parts))
    const consumer = await openConsumer(browser, relay.url)
    await consumer.ask('Tell me a story about a fox and a lantern.')
    await consumer.waitForState('done')
    const [cheat] = (await consumer.record()).segments

    await openProvider(browser, relay.url)
    const mark = consumer.page.getByTestId('check-mark').last()
    await mark.click()
    await consumer.page.getByTestId('check-stranger').click()
    await consumer.page.locator('[data-testid=check-lead][data-mark=differs]').waitFor({ timeout: 60_000 })
    await consumer.page.keyboard.press('Escape')
    expect(await mark.getAttribute('data-mark')).toBe('differs')

    // It is set aside, not less likely: it would be drawn four times with a chance of one in sixteen.
    for (let question = 0; question < 4; question++) {
      await consumer.ask(`What is 2 plus ${question}?`)
      await consumer.waitForState('done')
      const { segments } = await consumer.record()
      expect(segments.map(({ provider }) => provider)).not.toContain(cheat?.provider)
      expect(segments.length).toBeGreaterThan(0)
    }
  })
})
