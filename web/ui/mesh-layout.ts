/** A machine on the map. */
export interface MeshNode {
  /** Its peer name, once on a map: marks are keyed by it. */
  readonly id: string
  /** `both` for a relay that provides too. */
  readonly kind: 'relay' | 'peer' | 'both'
  /** Measured round trip; `undefined` when this tab has not measured it: then it stands outside the rings. */
  readonly ms: number | undefined
  readonly state: 'ok' | 'unknown'
  readonly link: 'direct' | 'relayed' | 'now' | undefined
  /** The id of the relay that named it. */
  readonly via: string | undefined
  readonly label: string
}

export interface Placed extends MeshNode {
  readonly x: number
  readonly y: number
}

export const RINGS_MS = [3, 10, 30, 100, 300]
const NEAREST_MS = 1
const FARTHEST_MS = 300
/** The band outside the rings, for those whose distance is not known. */
const UNKNOWN_AT = 1
const RINGS_UP_TO = 0.86

/** Distance from the middle, 0 to 1, on a log scale. */
export function radiusOf(ms: number | undefined): number {
  if (ms === undefined) return UNKNOWN_AT
  const clamped = Math.min(FARTHEST_MS, Math.max(NEAREST_MS, ms))
  const part = Math.log(clamped / NEAREST_MS) / Math.log(FARTHEST_MS / NEAREST_MS)
  return 0.14 + part * (RINGS_UP_TO - 0.14)
}

/**
 * Places everybody around this tab. The angle comes from the name, so that nobody jumps when others come and go;
 * only where two would lie upon each other the later one is turned, by the golden part of a circle.
 */
export function placeNodes(nodes: readonly MeshNode[], size: number): Placed[] {
  const middle = size / 2
  const reach = middle - 14
  const apart = nodes.length > 60 ? 8 : size < 420 ? 12 : 18
  const placed: Placed[] = []
  for (const node of nodes) {
    const radius = radiusOf(node.ms) * reach
    let turn = hashOf(node.id)
    let spot = { x: middle, y: middle }
    for (let tries = 0; tries < 40; tries++) {
      const angle = angleAt(turn, size)
      spot = { x: middle + radius * Math.cos(angle), y: middle + radius * Math.sin(angle) }
      if (placed.every((other) => Math.hypot(other.x - spot.x, other.y - spot.y) > apart)) break
      turn = (turn + GOLDEN) % 1
    }
    placed.push({ ...node, ...spot })
  }
  return placed
}

const GOLDEN = 0.618033988749895

/** A part of the circle to an angle; the top is left free, because the rings carry their words there. */
function angleAt(turn: number, size: number): number {
  const free = Math.min(0.6, 60 / (size / 2))
  return -Math.PI / 2 + free + turn * 2 * (Math.PI - free)
}

/** A name to a number from 0 to 1. */
function hashOf(id: string): number {
  let hash = 2166136261
  for (const letter of id) hash = Math.imul(hash ^ letter.charCodeAt(0), 16777619) >>> 0
  return (hash % 3600) / 3600
}
