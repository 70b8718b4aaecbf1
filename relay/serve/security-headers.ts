/**
 * What a page of ours may do. Code comes from here only: a stranger's text can never become script.
 *
 * `wasm-unsafe-eval` compiles WebAssembly and nothing else. `blob:` workers are how onnxruntime-web starts its threads.
 * `connect-src` is open to sockets and https because relays, models on the hub and chain nodes are where their operators
 * put them; a chain on the same machine has no certificate. Inline styles are what Svelte's transitions write.
 */
const PAGE_POLICY = {
  'default-src': "'self'",
  'script-src': "'self' 'wasm-unsafe-eval'",
  'worker-src': "'self' blob:",
  'connect-src': "'self' ws: wss: https: http://localhost:* http://127.0.0.1:*",
  'img-src': "'self' data: blob:",
  'font-src': "'self'",
  'style-src': "'self' 'unsafe-inline'",
  'object-src': "'none'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
} as const

/**
 * What the page never asks a browser for, so that no script in it can. It copies to the clipboard and may ask for a
 * passkey; a wallet's own hardware is asked in the wallet's pages.
 */
const UNUSED_FEATURES = [
  ...['accelerometer', 'camera', 'display-capture', 'geolocation', 'gyroscope', 'hid', 'magnetometer'],
  ...['microphone', 'midi', 'payment', 'serial', 'usb', 'xr-spatial-tracking'],
] as const

/** Half a year, for this host alone: whoever gives TLS up again is locked out of no other name, and not for ever. */
const STRICT_TRANSPORT = 'max-age=15552000'

/**
 * What an answer over TLS says besides: come back over TLS only. Browsers apply it to every port of the host, so
 * `localhost`, where other things are developed, is left out; of an address they take none.
 */
export function strictTransportFor(host: string | undefined): Readonly<Record<string, string>> {
  if (host === undefined || /(^|\.)localhost\.?$/i.test(host)) return {}
  return { 'Strict-Transport-Security': STRICT_TRANSPORT }
}

/** On every answer, refusals included. COOP and COEP give the page `SharedArrayBuffer`, which wasm threads need. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': Object.entries(PAGE_POLICY)
    .map(([name, value]) => `${name} ${value}`)
    .join('; '),
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Permissions-Policy': UNUSED_FEATURES.map((feature) => `${feature}=()`).join(', '),
}
