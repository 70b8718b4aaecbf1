import { InfernetError } from '../../errors/infernet-error.ts'
import { addedTokens } from './added-tokens.ts'

type Json = Readonly<Record<string, unknown>>

/** What a stranger's tokenizer.json may hold. Real ones stay far below: these are against what never ends. */
const MAX_STEPS = 64
const MAX_DEPTH = 16
/** Of what is put into a text; real ones put in a space. */
const MAX_PIECE = 64
/** The longest are of models that name each letter of each alphabet. */
const MAX_REGEX = 1 << 14
/** BERT's is 100, and the work grows with its third power. */
const MAX_WORD_PIECE = 128
/** Each added token is looked for by its beginnings and ends, so that what it costs is its length squared. */
const MAX_ADDED_WORK = 1 << 25

/** @throws InfernetError `models.unsupported` for what would take the asker's time or memory without end */
export function checkTokenizer(tokenizerJson: Json): void {
  for (const part of ['normalizer', 'pre_tokenizer', 'decoder']) checkChain(tokenizerJson[part])
  checkModel(tokenizerJson['model'])
  const work = addedTokens(tokenizerJson).reduce((sum, { content }) => sum + content.length ** 2, 0)
  mustBe(work <= MAX_ADDED_WORK, 'its added tokens are too many or too long')
}

function checkChain(root: unknown): void {
  let steps = 0
  function check(step: unknown, depth: number): void {
    if (!isJson(step)) return
    mustBe(++steps <= MAX_STEPS && depth <= MAX_DEPTH, 'its tokenizer takes too many steps')
    checkStep(step)
    for (const name of ['normalizers', 'pretokenizers', 'decoders']) {
      const inner: unknown = step[name]
      if (Array.isArray(inner)) for (const each of inner) check(each, depth + 1)
    }
  }
  check(root, 0)
}

function checkStep(step: Json): void {
  const pattern = isJson(step['pattern']) ? step['pattern'] : {}
  const { Regex: regex, String: text } = pattern
  mustBe(lengthOf(regex) <= MAX_REGEX, 'its tokenizer has too long a regex')
  for (const [name, value] of [...Object.entries(step), ['text', text] as const])
    if (name !== 'precompiled_charsmap')
      mustBe(lengthOf(value) <= MAX_PIECE, 'its tokenizer puts in too much text')
  const { length } = step
  if (step['type'] === 'FixedLength')
    mustBe(Number.isInteger(length) && Number(length) >= 1, 'its tokenizer splits text into nothing')
  // Python puts them in as they stand, and JavaScript whatever comes before or after.
  const { content } = step
  mustBe(typeof content !== 'string' || !/\$[$&`'<\d]/.test(content), 'its tokenizer refers to what it found')
}

function checkModel(model: unknown): void {
  if (!isJson(model)) return
  const most = model['max_input_chars_per_word'] ?? 0
  mustBe(typeof most === 'number' && most <= MAX_WORD_PIECE, 'its tokenizer takes too long words')
  for (const name of ['continuing_subword_prefix', 'continuing_subword_suffix', 'end_of_word_suffix'])
    mustBe(lengthOf(model[name]) <= MAX_PIECE, 'its tokenizer puts in too much text')
}

function lengthOf(value: unknown): number {
  return typeof value === 'string' ? value.length : 0
}

function mustBe(isSo: boolean, reason: string): void {
  if (!isSo) throw new InfernetError('models.unsupported', { reason })
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
