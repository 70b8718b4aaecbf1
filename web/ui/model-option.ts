/** A model as the list of models shows it. */
export interface ModelOption {
  readonly value: string
  readonly name: string
  readonly note: string
  /** INF per million output tokens, or undefined when nobody offers it. */
  readonly price: string | undefined
  /** Its price is a word then, without a unit. */
  readonly isFree: boolean
  readonly live: number
  /** Size, licence and the like, in few words. */
  readonly facts: string
  /** What to know before it is chosen: another name for it, nobody tried it, two of this name. */
  readonly doubts: readonly string[]
  /** False for what nobody has added yet: it is shown, and cannot be asked. */
  readonly isHere: boolean
  /** Where it can be added; undefined for what is here, and for what cannot. */
  readonly addHref?: string | undefined
  /** Whether this device could run it; undefined as long as that is not known. */
  readonly fits: boolean | undefined
}

/** The options that hold each word of the search, in their order. */
export function searchOptions(
  options: readonly ModelOption[],
  text: string,
  { onlyFitting }: { readonly onlyFitting: boolean },
): readonly ModelOption[] {
  const words = plain(text).split(' ').filter(Boolean)
  return options.filter(({ name, note, facts, fits }) => {
    const searched = plain(`${name} ${note} ${facts}`)
    return words.every((word) => searched.includes(word)) && (!onlyFitting || fits === true)
  })
}

function plain(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/\s+/g, ' ').trim()
}
