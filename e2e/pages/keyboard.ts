import { expect } from 'vitest'
import type { Locator, Page } from 'playwright'

/** More stops than any of our pages has. */
const MAX_STOPS = 60

/** What holds the focus, as somebody without a mouse meets it. */
interface Stop {
  /** False on the way round, between the last stop and the first. */
  readonly isSomewhere: boolean
  readonly what: string
  /** It, or the box that stands for it, has a ring. */
  readonly hasRing: boolean
  /** Nothing lies over it, and it is in sight. */
  readonly isInSight: boolean
  /** It comes after the stop before it in the source, which is the order of reading. */
  readonly isInOrder: boolean
}

/** Uses a page by keys alone, and looks at every stop on the way: a ring, in sight, in the order of the source. */
export class Keyboard {
  readonly page: Page

  constructor(page: Page) {
    this.page = page
  }

  /** Presses Tab until that has the focus. */
  async walkTo(target: Locator, { backwards = false } = {}): Promise<void> {
    await this.page.evaluate(() => Reflect.deleteProperty(window, 'e2eStop'))
    const passed: string[] = []
    while (passed.length < MAX_STOPS) {
      await this.page.keyboard.press(backwards ? 'Shift+Tab' : 'Tab')
      const stop = await this.page.evaluate(lookAtStop, backwards)
      passed.push(stop.what)
      if (!stop.isSomewhere) continue
      expect(stop, `a stop of ${passed.join(' > ')}`).toMatchObject({
        hasRing: true,
        isInSight: true,
        isInOrder: true,
      })
      if (await hasFocus(target)) return
    }
    throw new Error(`it was never reached: ${passed.join(' > ')}`)
  }

  press(key: string): Promise<void> {
    return this.page.keyboard.press(key)
  }

  type(text: string): Promise<void> {
    return this.page.keyboard.type(text)
  }

  /** The focus is there, or comes there by itself. */
  async expectAt(target: Locator): Promise<void> {
    const where = (): Promise<string> =>
      this.page.evaluate(() => document.activeElement?.outerHTML.slice(0, 120) ?? 'nowhere')
    await expect.poll(async () => (await hasFocus(target)) || (await where())).toBe(true)
  }
}

async function hasFocus(target: Locator): Promise<boolean> {
  if ((await target.count()) === 0) return false
  return target.first().evaluate((element) => element === document.activeElement)
}

/** Runs in the page. */
function lookAtStop(backwards: boolean): Stop {
  const place = window as unknown as { e2eStop?: Element }
  const element = document.activeElement ?? document.body
  const before = place.e2eStop
  const isSomewhere = element !== document.body
  if (isSomewhere) place.e2eStop = element
  else delete place.e2eStop
  const drawn = [element, element.parentElement, element.parentElement?.parentElement]
  const box = element.getBoundingClientRect()
  const [x, y] = [box.x + box.width / 2, box.y + Math.min(box.height / 2, 20)]
  const top = document.elementFromPoint(x, y)
  const follows = backwards ? Node.DOCUMENT_POSITION_PRECEDING : Node.DOCUMENT_POSITION_FOLLOWING
  return {
    isSomewhere,
    what: `${element.tagName.toLowerCase()} ${(element.getAttribute('aria-label') ?? element.textContent).trim().slice(0, 30)}`,
    hasRing: drawn.some((each) => {
      const style = each && getComputedStyle(each)
      return style && style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2
    }),
    isInSight: top !== null && (element.contains(top) || top.contains(element)),
    isInOrder: !before || (before.compareDocumentPosition(element) & follows) !== 0,
  }
}
