/**
 * What keeps a hidden tab at full work while it provides, both without any sign to the visitor and both undone by `stop`:
 * a Web Lock (against freezing) and an open data channel between two ends inside this page (against freezing and
 * against one timer tick a minute). Measured (docs/traps.md); there is no way against discarding but a window.
 */
export class ProvidingGuard {
  readonly #stopper = new AbortController()
  readonly #ends: readonly RTCPeerConnection[]

  private constructor(ends: readonly RTCPeerConnection[]) {
    this.#ends = ends
    if ('locks' in navigator) void this.#holdLock().catch(() => undefined) // ended by `stop`
  }

  static async start(): Promise<ProvidingGuard> {
    return new ProvidingGuard(await openLoopback().catch(() => []))
  }

  stop(): void {
    this.#stopper.abort()
    for (const end of this.#ends) end.close()
  }

  #holdLock(): Promise<unknown> {
    const { signal } = this.#stopper
    const untilStopped = (): Promise<void> =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    return navigator.locks.request(`infernet/lending/${crypto.randomUUID()}`, { signal }, untilStopped)
  }
}

/** Two peer connections of this page, joined by one open channel. Host candidates only: nothing leaves the machine. */
async function openLoopback(): Promise<RTCPeerConnection[]> {
  const [near, far] = [new RTCPeerConnection(), new RTCPeerConnection()]
  near.onicecandidate = ({ candidate }) => void (candidate && far.addIceCandidate(candidate))
  far.onicecandidate = ({ candidate }) => void (candidate && near.addIceCandidate(candidate))
  const channel = near.createDataChannel('awake')
  const opened = new Promise<void>((resolve, reject) => {
    channel.onopen = () => resolve()
    channel.onclose = () => reject(new Error('closed'))
  })
  await near.setLocalDescription()
  if (near.localDescription) await far.setRemoteDescription(near.localDescription)
  await far.setLocalDescription()
  if (far.localDescription) await near.setRemoteDescription(far.localDescription)
  await Promise.race([opened, new Promise((resolve) => setTimeout(resolve, 2000))])
  return [near, far]
}
