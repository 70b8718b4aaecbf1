import type { IncomingMessage } from 'node:http'
import type { RelayConfig } from '../config/options.ts'
import type { Logger } from '../observe/log.ts'
import { isFromProxy } from './client-address.ts'
import type { Place } from './place.ts'
import { proxySignOf } from './proxy-signs.ts'

/**
 * Tells the operator, once for each kind, what headers say against the configuration or against one another. A client can
 * write any header, so it is a hint and changes nothing.
 */
export class HeaderDoubts {
  readonly #log: Logger
  readonly #config: Pick<RelayConfig, 'announce' | 'trustProxy'>
  readonly #told = new Set<string>()

  constructor(log: Logger, config: Pick<RelayConfig, 'announce' | 'trustProxy'>) {
    this.#log = log
    this.#config = config
  }

  look(request: Pick<IncomingMessage, 'headers' | 'socket'>, place: Place | undefined): void {
    const { headers } = request
    const sign = proxySignOf(headers)
    if (sign !== undefined && !isFromProxy(this.#config.trustProxy, request.socket))
      this.#tell(
        'proxy',
        `requests carry ${sign}: if a proxy stands in front, have it send X-Forwarded-For and set --trust-proxy, else all ` +
          'share its limits',
      )
    if (place?.contradiction !== undefined) this.#tell('place', place.contradiction)
    const { origin } = headers
    if (origin === undefined || !URL.canParse(origin) || this.#config.announce.length > 0 || !place) return
    const page = new URL(origin)
    if (page.hostname.replace(/^\[|\]$/g, '') !== place.host)
      this.#tell(
        'host',
        `a page of ${page.origin} asks, but the request names the host ${place.host}: if that page is this relay's, behind a proxy, ` +
          'say so with --announce, or have the proxy pass Host',
      )
    else if (page.protocol === 'https:' && !place.isSecure)
      this.#tell(
        'scheme',
        `a page of ${page.origin} asks, but the request came as http: if a proxy ends its https, say so with --announce, ` +
          'or have the proxy send X-Forwarded-Proto and set --trust-proxy',
      )
  }

  #tell(kind: string, words: string): void {
    if (this.#told.has(kind)) return
    this.#told.add(kind)
    this.#log.warn(words)
  }
}
