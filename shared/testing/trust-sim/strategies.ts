/**
 * What a cheat of the kit saves of the work of an answer, what of its price it still gets, and how surely one check of 128
 * tokens finds it: what it saves is assumed; the power is what `npm run bench -- trust` measured on Infernet Tiny, rounded
 * down, for the sampler where it is least.
 */
export interface CheatKind {
  readonly name: string
  /** Of the cost of an honest answer, 0 to 1. */
  readonly saves: number
  /** Of the price of an honest answer, 0 to 1. */
  readonly sells: number
  /** The chance that one check finds it. */
  readonly power: number
  /** The consumer sees it itself, without any check. */
  readonly isSeen: boolean
}

const kind = (name: string, saves: number, power: number, rest: Partial<CheatKind> = {}): CheatKind => ({
  ...{ name, saves, power, sells: 1, isSeen: false },
  ...rest,
})

export const CHEAT_KINDS: readonly CheatKind[] = [
  kind('smaller model', 0.7, 0.999),
  kind('other quantisation', 0.45, 0.99),
  kind('other seed', 0, 0.99),
  kind('ignored temperature', 0.02, 0.83),
  kind('shortened context', 0.25, 0.99),
  kind('canned answer', 0.98, 0.99),
  kind('wrong sketches', 0.02, 0.99),
  kind('right sketches over wrong tokens', 0.02, 0.99),
  // It is paid for the tokens that it writes, and these cost what they cost.
  kind('early stop', 0.5, 1, { sells: 0.6, isSeen: true }),
  // One token in five is filler.
  kind('inflated usage', 0.2, 0.99),
]

/** How one provider behaves. */
export interface Strategy {
  readonly kind: CheatKind
  /** Of its answers it cheats in, 0 (honest) to 1. */
  readonly share: number
  /** Answers that it serves honestly first. */
  readonly after: number
  /** The chance that it knows a probe for one, and behaves. */
  readonly recognises: number
  /** What it does when it was found: as before, honest from then on, or the same again under a new name. */
  readonly whenFound: 'goes on' | 'behaves' | 'rejoins'
}

export const HONEST: Strategy = {
  ...{ kind: kind('honest', 0, 0), share: 0, after: 0, recognises: 0, whenFound: 'goes on' },
}

/** The one that nobody can miss where nothing is checked. */
export const PLANTED = 'canned answer'

const SHARES = [0.02, 0.05, 0.1, 0.2, 0.5, 1]
const AFTER = [0, 20, 50, 100]
/**
 * Who learns the public generator knows nearly all of its prompts, which are seven of ten, and none of the others
 * (`cheats/learn-probes.ts`); under fresh names there is no other sign.
 */
const RECOGNISES = [0, 0.7]
const WHEN_FOUND = ['goes on', 'behaves', 'rejoins'] as const

/** Any strategy, or a neighbour of one: with one of its choices made again. */
export function someStrategy(chance: () => number, near?: Strategy): Strategy {
  const one = <T>(list: readonly T[]): T => list[Math.floor(chance() * list.length)]!
  const fresh: Strategy = {
    ...{ kind: one(CHEAT_KINDS), share: one(SHARES), after: one(AFTER), recognises: one(RECOGNISES) },
    whenFound: one(WHEN_FOUND),
  }
  if (!near) return fresh
  const changed = one(['kind', 'share', 'after', 'recognises', 'whenFound'] as const)
  return { ...near, [changed]: fresh[changed] }
}

export function describeStrategy({ kind: { name }, share, after, recognises, whenFound }: Strategy): string {
  const probes = recognises > 0 ? `, knows ${recognises * 100} % of the probes` : ''
  return `${name} in ${share * 100} % of its answers after ${after} honest ones${probes}; when found it ${whenFound}`
}
