/**
 * Every version that stands on the wire, in a signature, in a hash or in a file, in one place.
 *
 * A number rises when what it names can no longer be read by who knew the last one. What is merely new goes into an
 * optional field (see `message.ts`), and no number rises for it.
 */
export const VERSIONS = {
  /** Protocols between peers: `/infernet/<stage>/<version>`. */
  protocol: {
    prompt: 2,
    schedule: 2,
    stream: 2,
    verify: 1,
    settle: 2,
    pieces: 1,
    seeds: 1,
    openings: 1,
    records: 1,
  },
  /** What a peer's key signs: `infernet/<noun>/<version>` goes before the bytes. */
  signed: {
    offer: 2,
    quote: 1,
    chunk: 2,
    vectors: 1,
    drain: 1,
    relay: 1,
    farewell: 1,
    proposal: 1,
    seeds: 1,
    demand: 1,
    verdict: 1,
    openings: 1,
    'golden-sketches': 1,
  },
  /** What is hashed or signed in a form of its own: `infernet/<name>/<version>` goes before the bytes. */
  hashed: {
    chain: 2,
    seed: 1,
    binding: 1,
    sketch: 1,
    'sketch-leaf': 1,
    'sketch-salt': 1,
    'own-sketches': 1,
    'opening-key': 2,
    'kept-openings': 1,
  },
  /** Files that others keep: `infernet/<name>/<version>` stands inside. */
  file: {
    model: 1,
    golden: 1,
    'golden-vectors': 1,
    transcript: 1,
    catalogue: 1,
    publications: 1,
    evidence: 1,
    calibration: 1,
  },
  /**
   * What relays tell one another: `infernet/<topic>/<version>`. `shelves` is for offers of models that must be loaded
   * first: a relay from before them would take one on `offers` for a forgery, and blame the relay that brought it.
   */
  topic: { offers: 2, shelves: 1, relays: 1 },
} as const

/** The stages that speak a protocol of their own. */
export type Stage = keyof typeof VERSIONS.protocol

/** What may be signed by a peer's Ed25519 key. The noun is part of what is signed, so one cannot pass for another. */
export type SignedNoun = keyof typeof VERSIONS.signed

/** The libp2p protocol id of a stage, e.g. `/infernet/prompt/2`. */
export function protocolId(stage: Stage): string {
  return `/infernet/${stage}/${VERSIONS.protocol[stage]}`
}

/** What goes before bytes that are signed under a noun, hashed under a name, or written into a file. */
export function tagOf<Kind extends Exclude<keyof typeof VERSIONS, 'protocol'>>(
  kind: Kind,
  name: keyof (typeof VERSIONS)[Kind] & string,
): string {
  return `infernet/${name}/${String(VERSIONS[kind][name])}`
}

/** How another peer's version of a stage stands to ours, by the protocols that it says it speaks. */
export type VersionStanding = 'same' | 'theirs-is-newer' | 'theirs-is-older' | 'none'

/** @param protocols what libp2p's identify told of the peer */
export function standingOf(stage: Stage, protocols: readonly string[]): VersionStanding {
  if (protocols.includes(protocolId(stage))) return 'same'
  const prefix = `/infernet/${stage}/`
  const theirs = protocols
    .filter((protocol) => protocol.startsWith(prefix))
    .map((protocol) => Number(protocol.slice(prefix.length)))
    .filter((version) => Number.isSafeInteger(version) && version > 0)
  if (theirs.length === 0) return 'none'
  return Math.max(...theirs) > VERSIONS.protocol[stage] ? 'theirs-is-newer' : 'theirs-is-older'
}
