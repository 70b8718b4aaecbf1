import type { OriginReference } from './origin.ts'

export const HUGGING_FACE = 'https://huggingface.co'

export interface PlaceInit {
  /** Where a folder's URL begins that is not absolute: who serves the catalogue. */
  readonly baseUrl?: string | undefined
  /** @default Hugging Face itself */
  readonly hubUrl?: string | undefined
}

/** The URL under which an origin's files lie; ends in a slash. */
export function placeOf(reference: OriginReference, { baseUrl, hubUrl = HUGGING_FACE }: PlaceInit = {}): URL {
  if (reference.kind === 'folder') return new URL(withSlash(reference.url), baseUrl)
  const { repository, revision = 'main' } = reference
  return new URL(`${repository}/resolve/${encodeURIComponent(revision)}/`, withSlash(hubUrl))
}

function withSlash(url: string): string {
  return url.endsWith('/') ? url : `${url}/`
}
