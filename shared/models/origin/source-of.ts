import type { ByteSource } from '../byte-source.ts'
import type { HttpComponents } from './ask-origin.ts'
import { createHttpSource, type HttpSourceInit } from './http-source.ts'
import type { OriginReference } from './origin.ts'
import { placeOf, type PlaceInit } from './place-of.ts'

export interface SourceInit extends Omit<HttpSourceInit, 'urlOf'>, PlaceInit {}

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
  { baseUrl, hubUrl, ...init }: SourceInit = {},
): ByteSource {
  const folder = placeOf(reference, { baseUrl, hubUrl })
  return createHttpSource(components, { ...init, urlOf: (path) => new URL(encodeURI(path), folder) })
}
