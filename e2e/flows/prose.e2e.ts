import { expect, it } from 'vitest'
import type { Page } from 'playwright'
import { openTab } from '../fixtures/browser.ts'
import { oneNetwork } from '../fixtures/one-network.ts'
import { AskPage } from '../pages/ask-page.ts'

const CODE =
  'def main():\n\n\tprint("<b>")  # two  spaces, in a line that is longer than the narrowest of the screens'
const BEFORE = `Here it is:\n\n\`\`\`python\n${CODE}\n`
const AFTER = '```\r\n1. Then:\n   ~~~sh\n   ls\n\n   ~~~\nUse `a  b`:\n    so\n\n```\nand the end'

/** Puts an answer where the page keeps its conversations, with a seam in its middle, as a failover leaves one. */
function keepAnswer(page: Page, texts: readonly [string, string]): Promise<void> {
  return page.evaluate(async ([first, second]) => {
    // The page makes it, and would not do so where it is there.
    while (!(await indexedDB.databases()).some(({ name, version }) => name === 'infernet-history' && version))
      await new Promise((resolve) => setTimeout(resolve, 50))
    const opened = indexedDB.open('infernet-history')
    await new Promise((resolve) => (opened.onsuccess = resolve))
    const seam = { position: 9, lost: 'a', next: 'b', gapMs: 800, unowed: 0, reasonCode: 'stream.silent' }
    const answer = {
      ...{ stage: 'done', segments: [], tokens: 40, due: 0n, cut: false, droppedTurns: 0 },
      pieces: [
        { seam: undefined, text: first },
        { seam, text: second },
      ],
      reasoning: { open: '<think>', close: '</think>', opened: false },
    }
    const turn = { id: 'turn', question: 'Write it', model: 'a'.repeat(64), modelName: 'A model', answer }
    const change = opened.result.transaction('conversations', 'readwrite')
    change.objectStore('conversations').put({ id: 'kept', title: 'Write it', updatedAt: 1, turns: [turn] })
    await new Promise((resolve) => (change.oncomplete = resolve))
    opened.result.close()
  }, texts)
}

interface Copies {
  copied?: string
}

/** Keeps what is given to the clipboard, to the character. */
function noteCopies(): void {
  const { clipboard } = navigator
  const write = clipboard.writeText.bind(clipboard)
  clipboard.writeText = (text) => {
    Object.assign(window, { copied: text } satisfies Copies)
    return write(text)
  }
}

const plain = oneNetwork()

it.each([360, 1280])(
  'an answer keeps its code on the page and in what Copy copies, %i px wide',
  async (width) => {
    const network = plain()
    const tab = await openTab(network.browser, network.relay.url, {
      context: {
        viewport: { width, height: 900 },
        permissions: ['clipboard-read', 'clipboard-write'],
      },
    })
    const { page } = tab
    await page.addInitScript(noteCopies)
    // The page has made its store.
    await page.waitForFunction(async () =>
      (await indexedDB.databases()).some(({ name, version }) => name === 'infernet-history' && version === 1),
    )
    await keepAnswer(page, [`<think>\nHm <\n</think>\n\n${BEFORE}`, AFTER])
    await page.reload()
    const before = tab.errors.length
    if (width < 1024) await page.getByRole('button', { name: 'History' }).click()
    await page.getByRole('button', { name: 'Write it', exact: true }).filter({ visible: true }).click()

    const { answer } = new AskPage(tab)
    await answer.waitFor()
    expect(await answer.locator('pre, p').evaluateAll((all) => all.map((each) => each.textContent))).toEqual([
      'Here it is:',
      `python${CODE}`,
      '1. Then:',
      'sh   ls\n',
      'Use a  b:\n    so',
      'and the end',
    ])
    // What a reader sees: spaces, tabs and line ends as they were written.
    const seen = await answer.innerText()
    for (const part of [CODE, 'Use a  b:\n    so', 'and the end']) expect(seen).toContain(part)
    await page.getByTestId('copy').click()
    await page.getByText('Copied').waitFor()
    expect(await page.evaluate(() => (window as unknown as Copies).copied)).toBe(BEFORE + AFTER)
    // Systems have line ends of their own.
    const pasted = await page.evaluate(() => navigator.clipboard.readText())
    expect(pasted.replaceAll('\r', '')).toBe((BEFORE + AFTER).replaceAll('\r', ''))
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0)
    expect(tab.errors.slice(before)).toEqual([])
  },
)
