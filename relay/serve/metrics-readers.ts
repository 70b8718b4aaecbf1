import type { IncomingMessage } from 'node:http'
import { isPrivateIp } from '@libp2p/utils'
import type { RelayConfig } from '../config/options.ts'
import { parseHostHeader } from './own-address.ts'
import type { PlaceFinder } from './place.ts'
import { proxySignOf } from './proxy-signs.ts'

type MetricsConfig = Pick<RelayConfig, 'metrics' | 'host'>

/** Who may read `/metrics`. */
export class MetricsReaders {
  readonly #who: 'off' | 'local' | 'public'
  readonly #places: Pick<PlaceFinder, 'isOwnName'>

  constructor(config: MetricsConfig, places: Pick<PlaceFinder, 'isOwnName'>) {
    this.#who = whoReads(config)
    this.#places = places
  }

  /**
   * `local` is for who asks straight from a private address. Behind a proxy everybody has the proxy's address, so what
   * came through one is refused whatever it says of its client; so is HTTP/1.0, which of all that asks here only
   * proxies still speak. A page of a stranger, whose name was made to lead here, asks from a private address as well:
   * it is known by its name.
   */
  may({ headers, socket, httpVersionMajor: major, httpVersionMinor: minor }: IncomingMessage): boolean {
    if (this.#who !== 'local') return this.#who === 'public'
    const isStraight = proxySignOf(headers) === undefined && (major > 1 || minor > 0)
    const name = parseHostHeader(headers.host, false)?.host
    return (
      isStraight &&
      name !== undefined &&
      this.#places.isOwnName(name) &&
      isPrivateIp(plainOf(socket.remoteAddress)) === true
    )
  }
}

/** A port that others reach is often one that a container's network passes on, from an address that is private. */
function whoReads({ metrics, host }: MetricsConfig): 'off' | 'local' | 'public' {
  if (metrics !== 'auto') return metrics
  return host === 'localhost' || host === '::1' || host.startsWith('127.') ? 'local' : 'off'
}

/** An IPv4 address that came to a socket of IPv6. */
function plainOf(address = ''): string {
  return address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '')
}
