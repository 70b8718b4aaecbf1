import type { BrowserContext, Page } from 'playwright'

/** Moments of a page, in ms since its navigation began. */
export interface Marks {
  /** A relay has confirmed this tab's offer. */
  liveOffer?: number
  /** The first WebRTC connection stands. */
  direct?: number
  /** The first word of an answer is on the page. */
  firstToken?: number
}

declare global {
  interface Window {
    benchMarks: Marks
  }
}

/**
 * Has every page of the context note its moments by itself, so that no round trip to the test is in them. The page is
 * the shipped one: what is watched is what a visitor sees.
 *
 * @param prompt filled in at once, and sent as soon as the page offers to send it (to nobody yet is no answer)
 */
export async function noteMarks(context: BrowserContext, prompt?: string): Promise<void> {
  await context.addInitScript(watch, prompt)
}

/** Waits for a moment of the page and gives it. Throws with what the page shows when it does not come. */
export async function markOf(page: Page, name: keyof Marks, { timeout = 60_000 } = {}): Promise<number> {
  try {
    await page.waitForFunction((wanted) => window.benchMarks[wanted] !== undefined, name, {
      timeout,
      polling: 50,
    })
  } catch (cause) {
    const shown = await page.locator('body').innerText()
    throw new Error(`${name} did not come within ${timeout} ms; the page shows:\n${shown.slice(0, 1000)}`, {
      cause,
    })
  }
  return (await page.evaluate((wanted) => window.benchMarks[wanted], name)) ?? 0
}

/** Runs in the page, before its own scripts; it may use nothing from outside. */
function watch(prompt: string | undefined): void {
  const marks: Marks = (window.benchMarks = {})
  const mark = (name: keyof Marks): void => void (marks[name] ??= performance.now())
  let isSent = false

  function send(text: string): void {
    const area = document.querySelector<HTMLTextAreaElement>('[data-testid=prompt-input]')
    const button = document.querySelector<HTMLButtonElement>('[data-testid=send]')
    if (!area || !button) return
    if (button.ariaDisabled !== 'true') {
      isSent = button.ariaLabel === 'Send' // it says `Send when someone is online` until somebody is there
      return isSent ? button.click() : undefined
    }
    // Typed anew at each look: a page that has not mounted all of itself may not have heard it before.
    area.value = text
    area.dispatchEvent(new Event('input', { bubbles: true }))
  }

  function look(): void {
    if (document.querySelector('[data-testid=provide-state][data-confirmed=true]')) mark('liveOffer')
    if (document.querySelector('[data-testid=answer]')?.textContent.trim()) mark('firstToken')
    if (prompt !== undefined && !isSent) send(prompt)
  }

  const observed = { subtree: true, childList: true, characterData: true, attributes: true }
  new MutationObserver(look).observe(document, observed)
  const Original = window.RTCPeerConnection
  window.RTCPeerConnection = class extends Original {
    constructor(configuration?: RTCConfiguration) {
      super(configuration)
      this.addEventListener('connectionstatechange', () => {
        if (this.connectionState === 'connected') mark('direct')
      })
    }
  }
}
