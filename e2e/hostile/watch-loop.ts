/**
 * `node --expose-gc --import ./e2e/hostile/watch-loop.ts program`, with an IPC channel: how long the program's event loop
 * was kept from turning, and what memory it holds, told when asked.
 */
import { isMainThread } from 'node:worker_threads'

/** Asks for a reading, and begins the next one. */
export interface WatchOrder {
  readonly watch: true
}

export interface WatchReading {
  /** The longest time between two turns of the loop in which its thread computed, in ms. */
  readonly stallMs: number
  /** The longest time between two turns, whatever the machine did meanwhile: says how busy it was. */
  readonly lateMs: number
  /** Highest resident memory. */
  readonly peakMb: number
  /** Heap and buffers after a collection. */
  readonly heldMb: number
}

const TICK_MS = 20
const MB = 1e6

if (isMainThread && process.send) startWatching()

function startWatching(): void {
  let stallMs = 0
  let lateMs = 0
  let peakMb = 0
  let last = performance.now()
  let lastCpu = process.threadCpuUsage()
  const catchUp = (): void => {
    const now = performance.now()
    const cpu = process.threadCpuUsage()
    const passedMs = now - last
    // Other processes may keep this one from a processor for long: only what its own thread computed is its fault.
    const computedMs = (cpu.user + cpu.system - lastCpu.user - lastCpu.system) / 1000
    lateMs = Math.max(lateMs, passedMs)
    stallMs = Math.max(stallMs, Math.min(passedMs, computedMs))
    peakMb = Math.max(peakMb, process.memoryUsage.rss() / MB)
    last = now
    lastCpu = cpu
  }
  setInterval(catchUp, TICK_MS).unref()
  process.on('message', (order: Partial<WatchOrder>) => {
    if (order.watch === undefined) return
    catchUp()
    process.send?.({ reading: { stallMs, lateMs, peakMb, heldMb: heldMb() } })
    stallMs = lateMs = peakMb = 0
    last = performance.now()
    lastCpu = process.threadCpuUsage()
  })
  // Being ready to answer is no reason to stay.
  process.channel?.unref()
}

function heldMb(): number {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / MB
}
