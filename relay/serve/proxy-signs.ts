import type { IncomingHttpHeaders } from 'node:http'

/**
 * What proxies, load balancers and tunnels write into a request: `Forwarded`, `Via`, `X-Forwarded-For` and its kin,
 * `X-Real-IP`, `CF-Connecting-IP`, `True-Client-IP`, `X-Azure-ClientIP`, `X-Envoy-External-Address` and so on. No client
 * of ours sends any.
 */
const PROXY_HEADER = /^(?:forwarded|via|cdn-loop)$|^x-(?:forwarded|original|envoy)|ip$|-addr$/

/** The header that says that a proxy passed the request on; undefined when none does. A proxy may also keep silent. */
export function proxySignOf(headers: IncomingHttpHeaders): string | undefined {
  return Object.keys(headers).find((name) => PROXY_HEADER.test(name))
}
