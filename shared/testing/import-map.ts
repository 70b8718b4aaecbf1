/**
 * Which file imports which, read from the sources as text, and the circles in it. The boundary test and the drawing of
 * `npm run arrows` stand on it.
 */
import { globSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'

export interface Arrow {
  /** A file relative to the root, e.g. `web/pages/Ask.svelte`. */
  readonly from: string
  /** What it imports, as written. */
  readonly specifier: string
}

/** From one place of the tree to another: files, or folders. */
export type Edge = readonly [from: string, to: string]

/** Places that import one another, by which folder's inside they were seen in; `.` is the root. */
export interface Circle {
  readonly inside: string
  readonly places: readonly string[]
  /** The imports that tie it, file by file. */
  readonly ties: readonly Edge[]
}

const SOURCES = '{shared,web,relay,contracts,e2e}/**/*.{ts,svelte}'
const OUTSIDE = /^(node_modules|dist|public)$/
/** Static imports and re-exports, and `import()` of a literal: in TypeScript and in a component's script alike. */
const IMPORT =
  /(?:^|[\s;}])(?:import|export)\s(?:[^'"`;]*?\sfrom\s*)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g

/** Every import of every source below `root`, tests included. */
export function readArrows(root: string): Arrow[] {
  const files = globSync(SOURCES, { cwd: root, exclude: (path) => OUTSIDE.test(posix.basename(path)) })
  return files
    .toSorted()
    .flatMap((from) =>
      importsIn(readFileSync(`${root}/${from}`, 'utf8')).map((specifier) => ({ from, specifier })),
    )
}

/** The specifiers that a source imports, comments left out. */
export function importsIn(source: string): string[] {
  const code = source.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
  return [...code.matchAll(IMPORT)].map(([, still, lazy]) => still ?? lazy ?? '')
}

/** The imported file relative to the root; undefined for a package. */
export function targetOf({ from, specifier }: Arrow): string | undefined {
  const [path = ''] = specifier.split('?')
  if (path.startsWith('#')) return path.slice(1)
  return path.startsWith('.') ? posix.join(posix.dirname(from), path) : undefined
}

/** Imports between files of the tree; tests are left out, because nothing may stand on a test. */
export function edgesOf(arrows: readonly Arrow[]): Edge[] {
  return arrows.flatMap((arrow) => {
    const to = targetOf(arrow)
    return to === undefined || arrow.from.endsWith('.test.ts') ? [] : [[arrow.from, to] as const]
  })
}

/**
 * The circles among the things that lie side by side in a folder: files, or folders with all that is in them. A circle
 * of files in different folders is one of the folders, where their ways part.
 */
export function circlesOf(edges: readonly Edge[]): Circle[] {
  return [...insides(edges)].flatMap(([inside, parted]) =>
    componentsOf(parted.map(({ places }) => places)).map((places) => {
      const members = new Set(places)
      const ties = parted.filter(({ places: [a, b] }) => a !== b && members.has(a) && members.has(b))
      return { inside, places: places.toSorted(), ties: ties.map(({ edge }) => edge) }
    }),
  )
}

/** The imports by the folder in which their two ends part, and what stands there at either end. */
export function insides(
  edges: readonly Edge[],
): Map<string, readonly { readonly edge: Edge; readonly places: Edge }[]> {
  const found = new Map<string, { edge: Edge; places: Edge }[]>()
  for (const edge of edges) {
    const [from, to] = [edge[0].split('/'), edge[1].split('/')]
    let depth = 0
    while (depth < Math.min(from.length, to.length) - 1 && from[depth] === to[depth]) depth++
    const inside = from.slice(0, depth).join('/') || '.'
    const at = (path: readonly string[]): string => path.slice(0, depth + 1).join('/')
    const list = found.get(inside) ?? []
    list.push({ edge, places: [at(from), at(to)] })
    found.set(inside, list)
  }
  return found
}

/** Strongly connected components of more than one place (Tarjan 1972). */
function componentsOf(edges: readonly Edge[]): string[][] {
  const next = new Map<string, Set<string>>()
  for (const [from, to] of edges) {
    next.set(from, (next.get(from) ?? new Set()).add(to))
    if (!next.has(to)) next.set(to, new Set())
  }
  const order = new Map<string, number>()
  const open: string[] = []
  const found: string[][] = []
  const visit = (place: string): number => {
    let low = order.size
    order.set(place, low)
    open.push(place)
    for (const other of next.get(place) ?? []) {
      if (!order.has(other)) low = Math.min(low, visit(other))
      else if (open.includes(other)) low = Math.min(low, order.get(other) ?? low)
    }
    if (low === order.get(place)) {
      const component = open.splice(open.indexOf(place))
      if (component.length > 1) found.push(component)
    }
    return low
  }
  for (const place of next.keys()) if (!order.has(place)) visit(place)
  return found
}
