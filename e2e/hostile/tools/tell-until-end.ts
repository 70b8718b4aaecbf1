import type { Socket } from 'node:net'

const TELL_MS = 1000

/** Tells what the attack has taken, now, each second and at its end, when the sockets that it holds are closed. */
export async function tellUntilEnd(
  signal: AbortSignal,
  told: () => void,
  held: ReadonlySet<Socket> = new Set(),
): Promise<void> {
  told()
  const telling = setInterval(told, TELL_MS)
  await pauseOrEnd(signal)
  clearInterval(telling)
  for (const socket of held) socket.destroy()
  told()
}

/** Resolves when the attack ends, or after that long. */
export async function pauseOrEnd(signal: AbortSignal, ms?: number): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
    if (ms !== undefined) setTimeout(resolve, ms)
  })
}
