import { request } from 'node:http'
import { request as requestOverTls } from 'node:https'

/** How one question went. */
export interface Asked {
  /** To the first token, or the first byte; undefined when there was none. */
  readonly firstMs?: number
  /** Why it did not succeed. */
  readonly failed?: string
}

/** Where an answer says that it is an error. */
const MAX_READ_CHARACTERS = 4096

/** One request on a connection of its own, as that of somebody who has just come. Rejects when it is cut. */
export function askOverHttp(url: URL, body: unknown, signal: AbortSignal): Promise<Asked> {
  const startedAt = performance.now()
  const text = body === undefined ? undefined : JSON.stringify(body)
  const headers = text === undefined ? {} : { 'content-type': 'application/json', origin: url.origin }
  return new Promise((resolve, reject) => {
    const ask = url.protocol === 'https:' ? requestOverTls : request
    const asking = ask(url, {
      agent: false,
      method: text === undefined ? 'GET' : 'POST',
      headers,
      signal,
    })
    asking.on('error', reject)
    asking.on('response', (response) => {
      const firstMs = performance.now() - startedAt
      const status = response.statusCode ?? 0
      let said = ''
      response
        .setEncoding('utf8')
        .on('error', reject)
        .on('data', (text: string) => (said = (said + text).slice(0, MAX_READ_CHARACTERS)))
        .on('end', () => {
          const failed = status >= 300 ? `status ${status}` : text === undefined ? undefined : errorIn(said)
          resolve(failed === undefined ? { firstMs } : { firstMs, failed })
        })
    })
    asking.end(text)
  })
}

/** What an answer of JSON-RPC refuses with. */
function errorIn(said: string): string | undefined {
  const { error } = JSON.parse(said) as { readonly error?: { readonly code: number; readonly data?: object } }
  return error && `${error.code} ${JSON.stringify(error.data ?? {})}`
}
