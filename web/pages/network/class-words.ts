import type { Backend } from '#shared/engine/engine.ts'
import type { Machine, MachineMap } from '../../state/trust/services.ts'
import type { DistanceClass } from '../../ui/distance-scale.ts'
import { plural } from '../../ui/format.ts'

/** What a machine says of itself; of a processor an engine says no more. */
export function machineWords({
  backend,
  adapter,
}: {
  readonly backend: Backend
  readonly adapter: string
}): string {
  if (backend === 'wasm') return adapter === 'cpu' || adapter === '' ? 'CPU' : `CPU, ${adapter}`
  return adapter === '' ? 'WebGPU' : `WebGPU, ${adapter}`
}

/**
 * The classes as the map names them, those with the most machines first: by a letter, and by what most of their machines
 * say of themselves.
 */
export function classRows({ classes }: MachineMap): readonly DistanceClass[] {
  return classes
    .map((machines, at) => ({ machines, at }))
    .toSorted((a, b) => b.machines.length - a.machines.length)
    .map(({ machines, at }, i) => ({
      at,
      letter: letterOf(i),
      says: mostSaid(machines),
      machines: plural(machines.length, 'machine'),
    }))
}

/** A to Z, then AA. */
function letterOf(at: number): string {
  const first = at >= 26 ? String.fromCharCode(64 + Math.floor(at / 26)) : ''
  return `${first}${String.fromCharCode(65 + (at % 26))}`
}

function mostSaid(machines: readonly Machine[]): string {
  const counts = new Map<string, number>()
  for (const { says } of machines) {
    const words = machineWords(says)
    counts.set(words, (counts.get(words) ?? 0) + 1)
  }
  const [first, ...others] = [...counts].toSorted(([, a], [, b]) => b - a)
  const more = others.length > 0 ? '; some of them say otherwise' : ''
  return `${first?.[0] ?? ''}${more}`
}
