import * as v from 'valibot'
import type { PeerName } from '../base/ids.ts'
import { MAX_BESIDES } from './constants.ts'

/**
 * By so many characters at its end a name is told from others: 58^10 names to make before one ends like a given one, and
 * all that this would gain is that a relay leaves out one more.
 */
const TAIL_CHARACTERS = 10

/** The ends of the names that an asker knows already, one after another: text, since an older relay takes no list there. */
export const besidesField = v.pipe(
  v.string(),
  v.regex(/^[1-9A-HJ-NP-Za-km-z]*$/),
  v.maxLength(TAIL_CHARACTERS * MAX_BESIDES),
  v.check((text) => text.length % TAIL_CHARACTERS === 0),
)

/** Writes {@link besidesField}; of more than MAX_BESIDES names the last ones count. */
export function writeBesides(names: readonly PeerName[]): string {
  return names.slice(-MAX_BESIDES).map(tailOf).join('')
}

/** Whether a name stands in a text of {@link besidesField}. */
export function readBesides(text: string): (name: PeerName) => boolean {
  const tails = new Set<string>()
  for (let at = 0; at < text.length; at += TAIL_CHARACTERS) tails.add(text.slice(at, at + TAIL_CHARACTERS))
  return (name) => tails.has(tailOf(name))
}

function tailOf(name: PeerName): string {
  return name.slice(-TAIL_CHARACTERS)
}
