import { holdings } from './probe-workers.ts'
import type { Holdings } from './probe.ts'

declare global {
  interface Performance {
    /** Chromium's, for isolated pages: collects garbage, then tells of the page and its workers together. */
    measureUserAgentSpecificMemory(): Promise<{ readonly bytes: number }>
  }
}

/** What the page and its workers hold, after a collection of garbage. */
export interface Memory extends Holdings {
  /** Without the memories of wasm. */
  readonly jsBytes: number
}

export async function memory(): Promise<Memory> {
  const { bytes } = await performance.measureUserAgentSpecificMemory()
  const held = await holdings()
  return { ...held, jsBytes: bytes - held.wasmBytes }
}
