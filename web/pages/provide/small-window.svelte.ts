import { mount, unmount, type Component } from 'svelte'

interface PictureInPicture {
  requestWindow(options: { width: number; height: number }): Promise<Window>
}

const SIZE = { width: 320, height: 260 }

/** True where the window stays on top of everything: then nothing slows or discards the tab. */
export function staysOnTop(window: Window): boolean {
  return 'documentPictureInPicture' in window
}

/** The one small window of this tab. It outlives the page that opened it: another page of ours may stand there. */
class SmallWindow {
  #shown = $state.raw<Window | undefined>()

  get isOpen(): boolean {
    return this.#shown !== undefined
  }

  /**
   * Opens a small window that shows `component`: on top where the browser can, an ordinary one elsewhere. It closes
   * with the tab, so that nobody reads there what is no longer so.
   *
   * Must be called from a click. False when the browser blocked it.
   */
  async open<Props extends Record<string, unknown>>(
    window: Window,
    component: Component<Props>,
    props: Props,
  ): Promise<boolean> {
    this.close()
    const small = await openWindow(window).catch(() => undefined)
    if (!small) return false
    small.document.title = 'Lending · Infernet'
    const { dataset, lang } = window.document.documentElement
    const root = small.document.documentElement
    root.lang = lang
    if (dataset.theme) root.dataset.theme = dataset.theme
    for (const sheet of window.document.querySelectorAll('link[rel="stylesheet"], style'))
      small.document.head.append(small.document.importNode(sheet, true))
    const mounted = mount(component, { target: small.document.body, props })
    const leave = (): void => small.close()
    window.addEventListener('pagehide', leave)
    small.addEventListener('pagehide', () => {
      window.removeEventListener('pagehide', leave)
      void unmount(mounted)
      if (this.#shown === small) this.#shown = undefined
    })
    this.#shown = small
    return true
  }

  close(): void {
    this.#shown?.close()
  }
}

export const smallWindow = new SmallWindow()

async function openWindow(window: Window): Promise<Window | undefined> {
  if (staysOnTop(window)) {
    const { documentPictureInPicture } = window as unknown as { documentPictureInPicture: PictureInPicture }
    return documentPictureInPicture.requestWindow(SIZE)
  }
  return window.open('', 'infernet-small', `popup,width=${SIZE.width},height=${SIZE.height}`) ?? undefined
}
