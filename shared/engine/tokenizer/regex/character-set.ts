const PAGE = 256
const [NO, YES] = [1, 2]

/** Which characters a class or an escape of a regular expression takes, remembered for each one that was asked for. */
export class CharacterSet {
  readonly #pattern: RegExp
  /** Of the first 65,536 characters, as far as they were asked for. */
  readonly #pages: (Uint8Array | undefined)[] = Array.from({ length: PAGE })

  constructor(source: string) {
    this.#pattern = new RegExp(`^(?:${source})$`, 'u')
  }

  /** @param codePoint -1 for none, where a text ends */
  has(codePoint: number): boolean {
    if (codePoint < 0) return false
    if (codePoint >= PAGE * PAGE) return this.#test(codePoint)
    const page = (this.#pages[codePoint >>> 8] ??= new Uint8Array(PAGE))
    const known = page[codePoint & 0xff]
    if (known) return known === YES
    const isIn = this.#test(codePoint)
    page[codePoint & 0xff] = isIn ? YES : NO
    return isIn
  }

  #test(codePoint: number): boolean {
    return this.#pattern.test(String.fromCodePoint(codePoint))
  }
}
