import { InfernetError } from '../../errors/infernet-error.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * What each token writes, as text of characters 0 to 255 that stand for bytes; '' for control tokens and holes.
 *
 * Read from tokenizer.json: byte-level BPE (its 256 printable stand-ins for bytes), and the SentencePiece manner (`▁`
 * for a space, `<0xNN>` for a byte). The leading space that a SentencePiece decoder may drop is counted as written.
 *
 * @throws InfernetError `models.unsupported` when the vocabulary is of another kind
 */
export function tokenBytes(tokenizerJson: Json, vocabSize: number): string[] {
  const bytes = Array<string>(vocabSize).fill('')
  const toBytes = isByteLevel(tokenizerJson) ? fromByteLevel : fromSentencePiece
  for (const [text, id] of vocabularyOf(tokenizerJson)) if (id < vocabSize) bytes[id] = toBytes(text)
  for (const added of listOf(tokenizerJson['added_tokens'])) {
    const { id, content, special } = added
    if (typeof id !== 'number' || id >= vocabSize) continue
    // Added tokens are written as they stand, whatever the tokenizer does with the others.
    bytes[id] = special !== true && typeof content === 'string' ? utf8(content) : ''
  }
  return bytes
}

function vocabularyOf(tokenizerJson: Json): (readonly [string, number])[] {
  const model = objectOf(tokenizerJson['model'])
  const type = model['type'] ?? 'BPE'
  const { vocab } = model
  if (type === 'BPE' && typeof vocab === 'object' && vocab !== null && !Array.isArray(vocab))
    return Object.entries(vocab as Readonly<Record<string, number>>)
  if (type === 'Unigram' && Array.isArray(vocab))
    return vocab.map((entry: unknown, id) => [String(Array.isArray(entry) ? entry[0] : ''), id])
  throw new InfernetError('models.unsupported', { reason: 'its tokenizer cannot follow a grammar' })
}

function isByteLevel(tokenizerJson: Json): boolean {
  const decoder = objectOf(tokenizerJson['decoder'])
  const parts = [decoder, ...listOf(decoder['decoders'])]
  return parts.some(({ type }) => type === 'ByteLevel')
}

/** The stand-ins of GPT-2: a printable Latin-1 character for itself, the other bytes from U+0100 on, in order. */
const STAND_INS = new Map<string, string>()
for (let byte = 0, others = 0; byte < 256; byte++) {
  const isPrintable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad)
  STAND_INS.set(String.fromCharCode(isPrintable ? byte : 0x100 + others++), String.fromCharCode(byte))
}

function fromByteLevel(text: string): string {
  return [...text].map((character) => STAND_INS.get(character) ?? utf8(character)).join('')
}

function fromSentencePiece(text: string): string {
  const [, hex] = /^<0x([0-9A-F]{2})>$/.exec(text) ?? []
  return hex ? String.fromCharCode(Number.parseInt(hex, 16)) : utf8(text.replaceAll('▁', ' '))
}

const encoder = new TextEncoder()
function utf8(text: string): string {
  return String.fromCharCode(...encoder.encode(text))
}

function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {}
}

function listOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.map(objectOf) : []
}
