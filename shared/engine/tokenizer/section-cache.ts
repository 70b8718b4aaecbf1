type EncodeText = (text: string, place: number, pieces: ReadonlyMap<string, string>) => number[]

/** A talk is encoded again with each question, and while it is fitted; each part of it is encoded once. */
const MAX_CHARACTERS = 1 << 20

/** Remembers what the texts between control tokens were encoded to, but for those with a piece that was fenced. */
export function createSectionCache(encode: EncodeText): EncodeText {
  const known = new Map<string, number[]>()
  let characters = 0
  return (text, place, pieces) => {
    if (pieces.size > 0 && [...pieces.keys()].some((piece) => text.includes(piece)))
      return encode(text, place, pieces)
    // Some tokenizers treat the first part of a text in a way of its own.
    const key = (place === 0 ? '0' : '1') + text
    const before = known.get(key)
    if (before) return before
    const ids = encode(text, place, pieces)
    characters += key.length
    if (characters > MAX_CHARACTERS) {
      known.clear()
      characters = key.length
    }
    known.set(key, ids)
    return ids
  }
}
