import type { BenchOptions } from './figure.ts'
import { measureAcrossBackends } from './trust/across-backends.ts'
import { openCheckPool, type CheckPool } from './trust/check-pool.ts'
import { measureCheckShare } from './trust/check-share.ts'
import { measureFalseDiffers } from './trust/false-differs.ts'
import { measureLargerModel } from './trust/larger-model.ts'
import { measurePower } from './trust/power.ts'
import { printSketchShare } from './trust/print-sketch-share.ts'
import { measureWireBytes } from './trust/wire-bytes.ts'

/** One for each of two cores. */
const THREADS = 2

/** Parts of the bench, in their order. What takes a thread for each core gets it. */
const PARTS: Readonly<Record<string, (options: BenchOptions) => Promise<void>>> = {
  wireBytes: measureWireBytes,
  checkShare: measureCheckShare,
  sketchShare: printSketchShare,
  falseDiffers: (options) => withPool((pool) => measureFalseDiffers(pool, options)),
  acrossBackends: measureAcrossBackends,
  power: (options) => withPool((pool) => measurePower(pool, options)),
  largerModel: measureLargerModel,
}

/**
 * How well a check tells a cheat from an honest provider, and what it costs: real answers of real engines, judged by the
 * envelope that the page judges by.
 */
export async function benchTrust(options: BenchOptions): Promise<readonly string[]> {
  const failed: string[] = []
  for (const [name, measure] of Object.entries(PARTS)) {
    // The name of a cheat is one of a case of `power`.
    const isPart = options.only.some((part) => name.includes(part))
    const isNamed = options.only.length === 0 || isPart || (name === 'power' && !namesParts(options.only))
    if (!isNamed) continue
    await measure(isPart ? { ...options, only: [] } : options).catch((thrown: unknown) => {
      failed.push(`trust: ${name}`)
      console.error(`trust: ${name} could not be measured:`, thrown)
    })
  }
  return failed
}

function namesParts(only: readonly string[]): boolean {
  return only.some((part) => Object.keys(PARTS).some((name) => name.includes(part)))
}

async function withPool(use: (pool: CheckPool) => Promise<void>): Promise<void> {
  await using pool = await openCheckPool(THREADS)
  await use(pool)
}
