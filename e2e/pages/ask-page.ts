import { readFile } from 'node:fs/promises'
import type { Locator, Page } from 'playwright'
import type { AnswerRecord } from '../../web/state/ask/conversation.ts'
import type { Tab } from './tab.ts'

/** How long the page may take to write down an answer that it shows. */
const KEPT_LIMIT_MS = 10_000

/** The Ask page, as somebody who asks uses it. */
export class AskPage {
  readonly tab: Tab
  readonly page: Page

  constructor(tab: Tab) {
    this.tab = tab
    this.page = tab.page
  }

  get answer(): Locator {
    return this.page.getByTestId('answer').last()
  }

  get state(): Locator {
    return this.page.getByTestId('answer-state').last()
  }

  get seams(): Locator {
    return this.page.getByTestId('seam')
  }

  async ask(prompt: string): Promise<void> {
    const before = await this.page.getByTestId('answer-state').count()
    await this.page.getByTestId('prompt-input').fill(prompt)
    await this.page.getByTestId('send').click()
    await this.page.getByTestId('answer-state').nth(before).waitFor({ state: 'attached' })
  }

  /** Stops the answer that is being written, and waits until the page has it down as stopped. */
  async stop(): Promise<void> {
    await this.page.getByTestId('stop').click()
    await this.page.locator('[data-testid=answer-state][data-stopped]').last().waitFor({ state: 'attached' })
    await this.page.getByTestId('send').waitFor()
  }

  /** Waits until somebody provides the chosen model. */
  async waitForProvider({ timeout = 30_000 } = {}): Promise<void> {
    await this.page.waitForFunction(
      () => {
        const count = Number(
          /\d+/.exec(document.querySelector('[data-testid=live-count]')?.textContent ?? '')?.[0] ?? 0,
        )
        return count > 0
      },
      undefined,
      { timeout },
    )
  }

  /** Waits until the newest answer is in that state. Ask first: `ask` returns when the new answer is there. */
  async waitForState(state: 'answering' | 'done' | 'failed', { timeout = 60_000 } = {}): Promise<void> {
    const reached = await this.page.waitForFunction(
      (wanted) => {
        const now = [...document.querySelectorAll('[data-testid=answer-state]')]
          .at(-1)
          ?.getAttribute('data-state')
        return now === wanted || now === 'failed' ? now : undefined
      },
      state,
      { timeout, polling: 20 },
    )
    if ((await reached.jsonValue()) === state) return
    throw new Error(`the answer failed: ${(await this.record()).errorCode}`)
  }

  /** Waits until more words than that are written of the newest answer, which goes on. */
  async waitForWords(count: number, { timeout = 60_000 } = {}): Promise<void> {
    await this.waitForState('answering')
    const end = performance.now() + timeout
    while ((await this.text()).split(' ').length <= count) {
      if (performance.now() > end) throw new Error(`after ${timeout} ms there are no ${count} words`)
      await this.page.waitForTimeout(50)
    }
  }

  /** What the page says a question would cost, before it is sent. */
  async estimateOf(prompt: string): Promise<string> {
    await this.page.getByTestId('prompt-input').fill(prompt)
    return this.page.getByTestId('estimate').innerText()
  }

  /** The bytes of the file that a button of the newest receipt saves. */
  async saveProof(button: string): Promise<Uint8Array> {
    const slip = this.page.getByTestId('slip').last()
    if ((await slip.getAttribute('open')) === null) await slip.locator('summary').click()
    const downloading = this.page.waitForEvent('download')
    await slip.getByTestId(button).click()
    return readFile(await (await downloading).path())
  }

  /** What the page says the newest answer cost. */
  async cost(): Promise<string> {
    return (await this.page.getByTestId('cost').last().innerText()).trim()
  }

  /**
   * The newest answer as the page keeps it in this browser: figures that the page itself shows in words. The page shows
   * the end of an answer before that is written down, so it is waited for.
   */
  async record(): Promise<AnswerRecord> {
    const shown = (await this.state.count()) > 0 ? await this.state.getAttribute('data-state') : null
    const isOver = shown === 'done' || shown === 'failed'
    const end = performance.now() + KEPT_LIMIT_MS
    for (;;) {
      const kept = await this.#kept()
      if (!isOver || (kept?.stage === 'stopped' ? 'done' : kept?.stage) === shown) {
        if (!kept) throw new Error('no answer is kept')
        return kept
      }
      if (performance.now() > end) throw new Error(`the answer is ${shown}, and kept as ${kept?.stage}`)
      await this.page.waitForTimeout(20)
    }
  }

  async #kept(): Promise<AnswerRecord | undefined> {
    const turn = await this.page.evaluate(async () => {
      const opened = indexedDB.open('infernet-history')
      await new Promise((resolve, reject) => {
        opened.onsuccess = resolve
        opened.onerror = reject
      })
      const all = opened.result.transaction('conversations').objectStore('conversations').getAll()
      await new Promise((resolve) => (all.onsuccess = resolve))
      opened.result.close()
      const newest = (all.result as { updatedAt: number; turns: { answer: unknown }[] }[]).sort(
        (a, b) => b.updatedAt - a.updatedAt,
      )[0]
      return newest?.turns.at(-1)
    })
    return turn?.answer as AnswerRecord | undefined
  }

  /** From now on notes when an answer in the middle gives its provider up; gives the times so far, by the wall clock. */
  async noteSeams(): Promise<() => Promise<readonly number[]>> {
    await this.page.evaluate(() => {
      const seams: number[] = []
      Object.assign(window, { e2eSeams: seams })
      const look = (records: readonly MutationRecord[]): void => {
        for (const { target, oldValue } of records)
          if (oldValue === 'answering' && (target as Element).getAttribute('data-state') === 'searching')
            seams.push(Date.now())
      }
      new MutationObserver(look).observe(document.body, {
        subtree: true,
        attributeFilter: ['data-state'],
        attributeOldValue: true,
      })
    })
    return () => this.page.evaluate(() => (window as unknown as { e2eSeams: number[] }).e2eSeams)
  }

  /** From now on notes all that a question says it waits for; gives what was noted so far. */
  async noteWaits(): Promise<() => Promise<readonly string[]>> {
    await this.page.evaluate(() => {
      const noted = new Set<string>()
      const look = (): void => {
        const text = document.querySelector('[data-testid=searching]')?.textContent?.trim()
        if (text) noted.add(text)
      }
      Object.assign(window, { e2eWaits: noted })
      new MutationObserver(look).observe(document.body, {
        subtree: true,
        childList: true,
        characterData: true,
      })
    })
    return () => this.page.evaluate(() => [...(window as unknown as { e2eWaits: Set<string> }).e2eWaits])
  }

  /** Calls back with each stretch of text that is added to the answer. */
  async follow(onText: (added: string) => void): Promise<void> {
    let shown = ''
    await this.page.exposeFunction('e2eAnswer', (text: string) => {
      if (!text.startsWith(shown)) return // the page redrew; nothing was added
      onText(text.slice(shown.length))
      shown = text
    })
    await this.page.evaluate(() => {
      const tell = (): void => {
        const answers = document.querySelectorAll<HTMLElement>('[data-testid=answer]')
        const text = answers.item(answers.length - 1)?.innerText
        if (text) void (window as unknown as { e2eAnswer: (text: string) => Promise<void> }).e2eAnswer(text)
      }
      new MutationObserver(tell).observe(document.body, {
        subtree: true,
        childList: true,
        characterData: true,
      })
    })
  }

  async text(): Promise<string> {
    return (await this.answer.innerText()).trim()
  }
}
