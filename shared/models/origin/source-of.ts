import type { ByteSource } from '../byte-source.ts'
import type { HttpComponents } from './ask-origin.ts'
import { createHttpSource, type HttpSourceInit } from './http-source.ts'
import type { OriginReference } from './origin.ts'

export const HUGGING_FACE = 'https://huggingface.co'

export interface SourceInit extends Omit<HttpSourceInit, 'urlOf'> {
  /** Where a folder's URL begins that is not absolute: who serves the catalogue. */
  readonly baseUrl?: string | undefined
  /** @default Hugging Face itself */
  readonly hubUrl?: string | undefined
}

/**
 * The files of an origin, without asking for their list: for whoever has the manifest and checks what comes.
 *
 * @example
 * const source = sourceOf({ fetch, clock }, entry.origin, { baseUrl: relay.url })
 * const { body } = await source.open('onnx/model_q4.onnx', { offset: 0 })
 */
export function sourceOf(
  components: HttpComponents,
  reference: OriginReference,
  { baseUrl, hubUrl = HUGGING_FACE, ...init }: SourceInit = {},
): ByteSource {
  const folder = placeOf(reference, baseUrl, hubUrl)
  return createHttpSource(components, { ...init, urlOf: (path) => new URL(encodeURI(path), folder) })
}

/** The URL under which the files lie; ends in a slash. */
function placeOf(reference: OriginReference, baseUrl: string | undefined, hubUrl: string): URL {
  if (reference.kind === 'folder') return new URL(withSlash(reference.url), baseUrl)
  const { repository, revision = 'main' } = reference
  return new URL(`${repository}/resolve/${encodeURIComponent(revision)}/`, withSlash(hubUrl))
}

function withSlash(url: string): string {
  return url.endsWith('/') ? url : `${url}/`
}
