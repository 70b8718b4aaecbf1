import type { IncomingMessage, ServerResponse } from 'node:http'
import { modelHash, type ModelHash } from '#shared/base/ids.ts'
import { SERVED_PUBLISHED, writePublications } from '#shared/models/catalogue/publications.ts'
import { respond } from './respond.ts'
import { IMMUTABLE } from './send-file.ts'

/** What the public port serves of the models contract. */
export interface PublicationsPort {
  /** The text of `/publications.json`. */
  readonly list: string
  /** The JSON of a published manifest; undefined for one that is not in the list. */
  readonly manifest: (model: ModelHash) => string | undefined
}

const NONE = writePublications([])
const MANIFEST_PATH = /^([0-9a-f]{64})\/manifest\.[a-z0-9]+\.json$/

/** A relay without a chain has none: pages ask without knowing whether there is one. */
export function answerPublications(
  port: PublicationsPort | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  respond(request, response, { status: 200, body: port?.list ?? NONE, type: 'application/json' })
}

export function answerPublished(
  port: PublicationsPort | undefined,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): void {
  const [, model] = MANIFEST_PATH.exec(path.slice(SERVED_PUBLISHED.length)) ?? []
  const body = model === undefined ? undefined : port?.manifest(modelHash(model))
  if (body === undefined) return respond(request, response, { status: 404, body: 'Not Found\n' })
  // The hash in its path names it.
  respond(request, response, {
    ...{ status: 200, body, type: 'application/json' },
    headers: { 'Cache-Control': IMMUTABLE },
  })
}
