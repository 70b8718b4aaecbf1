/** What somebody wrote or pasted into the field for a model's name. */
export interface ReadName {
  readonly repository: string
  readonly revision: string | undefined
}

const PART = '[A-Za-z0-9][A-Za-z0-9._-]{0,95}'
const NAME = new RegExp(`^(${PART}/${PART})(?:@([A-Za-z0-9][A-Za-z0-9._/-]{0,99}))?$`)
/** An address copied from a browser: the page of the repository, or of its files at some revision. */
const ADDRESS = new RegExp(
  `^https://[^/]+/(${PART}/${PART})(?:/(?:tree|blob|resolve)/([^/?#]+))?(?:[/?#].*)?$`,
)

/** `owner/name`, `owner/name@revision`, or the address of its page; undefined for anything else. */
export function parseRepository(text: string): ReadName | undefined {
  const found = NAME.exec(text.trim()) ?? ADDRESS.exec(text.trim())
  const [, repository, revision] = found ?? []
  return repository === undefined ? undefined : { repository, revision }
}
