import { request } from 'node:http'

interface Posting {
  readonly url: URL
  /** Whose socket it is. */
  readonly localAddress: string
  /** A POST of this; without it a GET. */
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

interface Answered {
  readonly status: number
  readonly text: string
}

/** One request from that address, with any headers, those that a browser keeps to itself included. */
export async function postFrom(
  { url, localAddress, body, headers }: Posting,
  signal: AbortSignal,
): Promise<Answered> {
  const { promise, resolve, reject } = Promise.withResolvers<Answered>()
  const { hostname, port, pathname } = url
  const init = {
    ...{
      host: hostname === 'localhost' ? '127.0.0.1' : hostname,
      port,
      path: pathname,
      localAddress,
      signal,
    },
    ...{ method: body === undefined ? 'GET' : 'POST', agent: false },
    headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
  }
  request(init, (response) => {
    let text = ''
    response
      .setEncoding('utf8')
      .on('data', (chunk: string) => (text += chunk))
      .on('error', reject)
      .on('end', () => resolve({ status: response.statusCode ?? 0, text }))
  })
    .on('error', reject)
    .end(body)
  return promise
}
