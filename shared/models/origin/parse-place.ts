/** An address as it is meant at `from`; undefined where it is none. `URL.parse` does it too, in younger browsers than ours. */
export function parsePlace(text: string, from: URL): URL | undefined {
  try {
    return new URL(text, from)
  } catch {
    return undefined
  }
}
