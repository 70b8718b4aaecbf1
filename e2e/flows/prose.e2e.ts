import { expect, it } from 'vitest'
import { openTab } from '../fixtures/browser.ts'
import { keepAnswer, openKeptAnswer } from '../fixtures/kept-answer.ts'
import { oneNetwork } from '../fixtures/one-network.ts'
import { AskPage } from '../pages/ask-page.ts'

const CODE =
  'def main():\n\n\tprint("<b>")  # two  spaces, in a line that is longer than the narrowest of the screens'
const BEFORE = `Here it is:\n\n\`\`\`python\n${CODE}\n`
const AFTER = '```\r\n1. Then:\n   ~~~sh\n   ls\n\n   ~~~\nUse `a  b`:\n    so\n\n```\nand the end'

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
    await keepAnswer(page, [`<think>\nHm <\n</think>\n\n${BEFORE}`, AFTER])
    const before = tab.errors.length
    await openKeptAnswer(page, width)

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
