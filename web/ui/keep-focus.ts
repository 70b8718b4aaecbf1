import type { Attachment } from 'svelte/attachments'

/**
 * When what has the focus goes away (an answered question, a pressed button that is no more), the keyboard goes on at
 * the place that `[data-focus-home]` marks, else at the container: a browser would begin again at the top of the page.
 *
 * Only where the focus could be seen: a finger that pressed a button must not bring up the keyboard of a phone.
 */
export const keepFocus: Attachment<HTMLElement> = (container) => {
  let last: Element | undefined
  let wasVisible = false

  function onFocusIn({ target }: FocusEvent): void {
    wasVisible = target instanceof Element && target.matches(':focus-visible')
    last = wasVisible ? (target as Element) : undefined
  }
  function onFocusOut(): void {
    // Chromium tells of it before it takes the element away, and whoever leaves by themselves is let go.
    queueMicrotask(() => {
      if (last?.isConnected) last = undefined
    })
  }
  function goHome(): void {
    last = undefined
    const { activeElement } = document
    // What a closed dialog hides keeps the focus until the browser draws again.
    if (activeElement !== document.body && activeElement?.checkVisibility()) return
    const home = container.querySelector<HTMLElement>('[data-focus-home]') ?? container
    home.focus({ preventScroll: true })
  }
  const observer = new MutationObserver(() => {
    if (last && !last.isConnected) goHome()
  })
  /** A dialog gives the focus back to what opened it, if that is still there. */
  function onClose(): void {
    if (wasVisible) goHome()
  }

  container.addEventListener('focusin', onFocusIn)
  container.addEventListener('focusout', onFocusOut)
  container.addEventListener('close', onClose, true)
  observer.observe(container, { childList: true, subtree: true })
  return () => {
    observer.disconnect()
    container.removeEventListener('focusin', onFocusIn)
    container.removeEventListener('focusout', onFocusOut)
    container.removeEventListener('close', onClose, true)
  }
}
