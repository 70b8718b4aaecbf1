import { request } from 'node:http'
import type { Asked } from './consumer.ts'

/** One request on a connection of its own, as that of somebody who has just come. Rejects when it is cut. */
export function askOverHttp(url: URL, body: unknown, signal: AbortSignal): Promise<Asked> {
  const startedAt = performance.now()
  const text = body === undefined ? undefined : JSON.stringify(body)
  const headers = text === undefined ? {} : { 'content-type': 'application/json', origin: url.origin }
  return new Promise((resolve, reject) => {
    const asking = request(url, {
      agent: false,
      method: text === undefined ? 'GET' : 'POST',
      headers,
      signal,
    })
    asking.on('error', reject)
    asking.on('response', (response) => {
      const firstMs = performance.now() - startedAt
      const status = response.statusCode ?? 0
      response
        .on('error', reject)
        .on('end', () => resolve(status < 300 ? { firstMs } : { firstMs, failed: `status ${status}` }))
      response.resume()
    })
    asking.end(text)
  })
}
