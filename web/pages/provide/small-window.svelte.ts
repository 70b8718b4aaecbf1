import { mount, unmount, type Component } from 'svelte'

interface PictureInPicture {
  requestWindow(options: { width: number; height: number }): Promise<Window>
}

const SIZE = { width: 320, height: 260 }

/** True where the window stays on top of everything: then nothing slows or discards the tab. */
export function staysOnTop(window: Window): boolean {
  return 'documentPictureInPicture' in window
}

/**
 * Opens a small window that shows `component`: on top where the browser can, an ordinary one elsewhere.
 *
 * Must be called from a click. Returns what closes it; `undefined` when the browser blocked it.
 */
export async function openSmallWindow<Props extends Record<string, unknown>>(
  window: Window,
  component: Component<Props>,
  props: Props,
  onClosed: () => void,
): Promise<(() => void) | undefined> {
  const small = await open(window)
  if (!small) return undefined
  small.document.title = 'Lending · Infernet'
  const { dataset } = window.document.documentElement
  if (dataset.theme) small.document.documentElement.dataset.theme = dataset.theme
  for (const sheet of window.document.querySelectorAll('link[rel="stylesheet"], style'))
    small.document.head.append(small.document.importNode(sheet, true))
  const mounted = mount(component, { target: small.document.body, props })
  small.addEventListener('pagehide', () => {
    void unmount(mounted)
    onClosed()
  })
  return () => small.close()
}

async function open(window: Window): Promise<Window | undefined> {
  if (staysOnTop(window)) {
    const { documentPictureInPicture } = window as unknown as { documentPictureInPicture: PictureInPicture }
    return documentPictureInPicture.requestWindow(SIZE)
  }
  return window.open('', 'infernet-small', `popup,width=${SIZE.width},height=${SIZE.height}`) ?? undefined
}
