import * as v from 'valibot'
import { InfernetError } from '../../errors/infernet-error.ts'
import { askOrigin, discard, faulty, type HttpComponents } from './ask-origin.ts'
import { gated, hubRefusal, notFound } from './hub-refusal.ts'
import { licenceOf } from '../licence.ts'
import { MAX_CARD_BYTES, MAX_LISTED_FILES, MAX_PAGE_BYTES, MAX_PAGES } from './limits.ts'
import type { ListedFile, Listing, ListOptions, Origin } from './origin.ts'
import { readJsonBody } from './read-body.ts'
import { parsePlace } from './parse-place.ts'
import { HUGGING_FACE } from './place-of.ts'
import { sourceOf } from './source-of.ts'

/** `owner/name`, as the hub allows it; a name with two dots would reach outside. */
const REPOSITORY = /^(?!.*\.\.)[A-Za-z0-9][\w.-]{0,95}\/[A-Za-z0-9_][\w.-]{0,95}$/

/** Of `/api/models/<repository>/revision/<revision>`; what else is in it is not read. */
const infoSchema = v.object({
  sha: v.pipe(v.string(), v.regex(/^[0-9a-f]{40}$/)),
  gated: v.optional(v.unknown()),
  disabled: v.optional(v.unknown()),
  cardData: v.nullish(v.record(v.string(), v.unknown())),
})

/** Of `/api/models/<repository>/tree/<commit>?recursive=true`. */
const treeSchema = v.array(
  v.object({
    type: v.string(),
    path: v.string(),
    size: v.optional(v.number(), 0),
    oid: v.optional(v.string()),
    lfs: v.nullish(v.object({ oid: v.string(), size: v.number() })),
  }),
)

/**
 * A hub that speaks Hugging Face's HTTP API (https://huggingface.co/docs/hub/api): the card and the commit of a
 * revision, its files page by page, and each file at `resolve`, which sends on to the storage.
 *
 * What is listed and read is one commit, so a push in between changes nothing.
 *
 * @param hubUrl @default Hugging Face itself
 */
export function createHubOrigin(components: HttpComponents, hubUrl: string = HUGGING_FACE): Origin {
  return {
    async list(options) {
      if (!REPOSITORY.test(options.repository))
        throw notFound(`"${options.repository.slice(0, 100)}" does not have the form owner/name`)
      const hub = new Hub(components, hubUrl, options)
      const info = await hub.info()
      if (info.disabled === true) throw notFound(`the hub has closed ${options.repository}`)
      const isGated = Boolean(info.gated)
      if (isGated && !options.token) throw gated(options)
      return listing(hub, info.sha, licenceOf(info.cardData ?? {}, isGated), await hub.files(info.sha))
    },
  }
}

function listing(
  hub: Hub,
  commit: string,
  licence: Listing['licence'],
  files: readonly ListedFile[],
): Listing {
  const { repository, token } = hub.options
  const byPath = new Map(files.map((file) => [file.path, file]))
  const reference = { kind: 'hub', repository, revision: commit } as const
  const source = sourceOf(hub.components, reference, {
    hubUrl: hub.root.href,
    token,
    listed: (path) => byPath.get(path),
    refusalOf: (response) => hubRefusal(response, hub.options),
  })
  return { repository, revision: commit, files, licence, reference, source }
}

class Hub {
  readonly components: HttpComponents
  readonly options: ListOptions
  readonly root: URL

  constructor(components: HttpComponents, hubUrl: string, options: ListOptions) {
    this.components = components
    this.options = options
    this.root = new URL(hubUrl.endsWith('/') ? hubUrl : `${hubUrl}/`)
  }

  url(path: string): URL {
    return new URL(path, this.root)
  }

  async info(): Promise<v.InferOutput<typeof infoSchema>> {
    const { repository, revision = 'main' } = this.options
    const path = `api/models/${repository}/revision/${encodeURIComponent(revision)}`
    const { value } = await this.#json(this.url(path), 'its card', MAX_CARD_BYTES)
    const parsed = v.safeParse(infoSchema, value)
    if (!parsed.success) throw faulty('its card cannot be read')
    return parsed.output
  }

  async files(commit: string): Promise<readonly ListedFile[]> {
    const files: ListedFile[] = []
    let next: URL | undefined = this.url(
      `api/models/${this.options.repository}/tree/${commit}?recursive=true`,
    )
    for (let pages = 0; next; pages++) {
      if (pages === MAX_PAGES) throw faulty(`it lists files on more than ${MAX_PAGES} pages`)
      const page = await this.#json(next, 'its list of files', MAX_PAGE_BYTES)
      const parsed = v.safeParse(treeSchema, page.value)
      if (!parsed.success) throw faulty('its list of files cannot be read')
      for (const entry of parsed.output) if (entry.type === 'file') files.push(listedFile(entry))
      if (files.length > MAX_LISTED_FILES) throw faulty(`it lists more than ${MAX_LISTED_FILES} files`)
      next = page.next
    }
    return files
  }

  async #json(url: URL, what: string, maxBytes: number): Promise<{ value: unknown; next: URL | undefined }> {
    const { components, options } = this
    const { token, signal } = options
    const { response } = await askOrigin(components, { url, token, signal })
    if (!response.ok) {
      await discard(response)
      const { status } = response
      throw hubRefusal(response, options) ?? new InfernetError('models.unavailable', { path: what, status })
    }
    const value = await readJsonBody(components.clock, response, { what, maxBytes, signal })
    return { value, next: this.#nextPage(response.headers.get('link')) }
  }

  /** Only the path of a link is taken: a mirror may pass on the hub's own address, and the token stays where it is. */
  #nextPage(link: string | null): URL | undefined {
    const target = /<([^<>\s]+)>\s*;\s*rel="?next"?/i.exec(link ?? '')?.[1]
    const next = target === undefined ? undefined : parsePlace(target, this.root)
    return next ? this.url(`${next.pathname}${next.search}`) : undefined
  }
}

function listedFile({ path, size, oid, lfs }: v.InferOutput<typeof treeSchema>[number]): ListedFile {
  const isHash = (text: string | undefined, digits: number): boolean =>
    text?.length === digits && /^[0-9a-f]+$/.test(text)
  if (lfs) return { path, size: lfs.size, sha256: isHash(lfs.oid, 64) ? lfs.oid : undefined }
  return { path, size, gitHash: isHash(oid, 40) ? oid : undefined }
}
