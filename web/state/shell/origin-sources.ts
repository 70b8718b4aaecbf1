import type { ByteSource } from '#shared/models/byte-source.ts'
import type { OriginReference } from '#shared/models/catalogue/entry.ts'
import { placeOf } from '#shared/models/origin/place-of.ts'
import { createHttpSource } from '../../engine/http-source.ts'
import type { TokenOf } from '../models/hub-token.ts'

export interface OriginPlaces {
  /** Which hub is meant; asked when first needed. */
  readonly hubUrl: () => Promise<string>
  /** Where the page is. */
  readonly baseUrl: () => string
  /** The visitor's own for that hub, sent to it alone. @default none */
  readonly tokenOf?: TokenOf | undefined
}

/** The URLs under which a model's files lie, in the order of its origins. */
export function urlsOf(
  origins: readonly OriginReference[],
  { hubUrl, baseUrl }: OriginPlaces,
): Promise<readonly string[]> {
  return Promise.all(
    origins.map(async (origin) => {
      // As a folder beside the page, wherever a proxy put both.
      if (origin.kind === 'folder') return new URL(origin.url.replace(/^\//, './'), baseUrl()).href
      return placeOf(origin, { hubUrl: await hubUrl() }).href
    }),
  )
}

/** The files of a model at each of its origins. Nothing is asked before one is opened. */
export function sourcesOf(origins: readonly OriginReference[], places: OriginPlaces): readonly ByteSource[] {
  return origins.map((origin) => {
    let source: ByteSource | undefined
    return {
      async open(path, options) {
        const [url = ''] = await urlsOf([origin], places)
        source ??= createHttpSource(
          url,
          origin.kind === 'hub' ? { ...origin, token: places.tokenOf?.(await places.hubUrl()) } : undefined,
        )
        return source.open(path, options)
      },
    }
  })
}
