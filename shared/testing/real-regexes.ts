const CONTRACTIONS = `(?i:'s|'t|'re|'ve|'m|'ll|'d)`
const LOWER = String.raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`
const UPPER = String.raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`
const BEGIN = String.raw`[^\r\n\p{L}\p{N}]?`
const SPACES = String.raw`\s*[\r\n]+|\s+(?!\S)|\s+`
const OTHER = String.raw` ?[^\s\p{L}\p{N}]+[\r\n]*|${SPACES}`
const OTHER_OR_PATH = String.raw` ?[^\s\p{L}\p{N}]+[\r\n/]*|${SPACES}`
const CASED = `${BEGIN}${UPPER}*${LOWER}+${CONTRACTIONS}?|${BEGIN}${UPPER}+${LOWER}*${CONTRACTIONS}?`
const HAN = String.raw`[\p{Han}]+`

/** How the models of the field split and clean their texts, as their tokenizer.json has it. */
export const REAL_REGEXES: Readonly<Record<string, string>> = {
  'Llama 3': String.raw`${CONTRACTIONS}|${BEGIN}\p{L}+|\p{N}{1,3}|${OTHER}`,
  'Qwen 2 and 3': String.raw`${CONTRACTIONS}|${BEGIN}\p{L}+|\p{N}|${OTHER}`,
  'Qwen 3.5': String.raw`${CONTRACTIONS}|${BEGIN}[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|${SPACES}`,
  'GPT-4': String.raw`'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+`,
  'GPT-4, newer': String.raw`'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s`,
  'GPT-4o, gpt-oss and Llama 4': String.raw`${CASED}|\p{N}{1,3}|${OTHER_OR_PATH}`,
  Tekken: String.raw`${BEGIN}${UPPER}*${LOWER}+|${BEGIN}${UPPER}+${LOWER}*|\p{N}|${OTHER_OR_PATH}`,
  'DeepSeek V3, digits': String.raw`\p{N}{1,3}`,
  'DeepSeek V3, Chinese and Japanese': '[一-龥぀-ゟ゠-ヿ]+',
  'DeepSeek V3, the rest':
    '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|' +
    `[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+`,
  'DeepSeek Coder': '\\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𞤀-𞥃]+',
  'DeepSeek Coder, the end': String.raw`\s+$`,
  'Kimi K2': String.raw`${HAN}|${BEGIN}[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+${CONTRACTIONS}?|\p{N}{1,3}|${OTHER}`,
  'EXAONE 4, words within words': String.raw`${CONTRACTIONS}|${BEGIN}(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+`,
  'Command A, digits by threes': String.raw`\d{1,3}(?=(?:\d{3})*\b)`,
  'SuperBPE, places between digits': String.raw`(?=(\d{3})+(?!\d))`,
  'Jais 2': String.raw`${BEGIN}\p{L}+|\s*[\r\n]+|\s{512}(?!\S)|\s{64}(?!\S)|\s{8}(?!\S)|\s{1,2}(?!\S)|\s{1}`,
  Chameleon: String.raw`(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z`,
  BLOOM: ' ?[^(\\s|[.,!?…。，、।۔،])]+',
  'GPT-2': String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
  CLIP: String.raw`\s+`,
  T5: ' {2,}',
  Falcon: '[0-9][0-9][0-9]',
}
