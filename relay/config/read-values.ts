import { isIP } from 'node:net'
import * as v from 'valibot'
import { peerNameField } from '#shared/wire/fields.ts'
import { folderOf, parseSocketAddress, socketAddress } from '../base/socket-address.ts'

/** Turns the text of an option into its value, or throws a `RangeError` that says what is wrong and how to mend it. */
export type Read<T> = (text: string) => T

export const readText: Read<string> = (text) => text

/** A whole number within bounds, both included. */
export function readInteger(min: number, max: number): Read<number> {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (value >= min && value <= max) return value
    throw new RangeError(`must be a whole number from ${min} to ${max}.`)
  }
}

export function readChoice<const T extends string>(...choices: readonly T[]): Read<T> {
  return (text) => {
    const choice = choices.find((each) => each === text)
    if (choice !== undefined) return choice
    throw new RangeError(`must be ${choices.length > 1 ? 'one of ' : ''}${choices.join(', ')}.`)
  }
}

/** An amount of money as it is written, such as 0.5: kept as text, because its units are not known yet. */
export const readAmount: Read<string> = (text) => {
  if (/^\d{1,12}(\.\d{1,6})?$/.test(text)) return text
  throw new RangeError('must be an amount such as 1 or 0.5.')
}

/** Applies `read` to each item; in a flag or in the environment items may also be separated by commas. */
export function readList<T>(read: Read<T>): Read<readonly T[]> {
  return (text) =>
    text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '')
      .map(read)
}

/** The id of a relay, as it stands at the end of its addresses and in `/health`. */
export const readPeerId: Read<string> = (text) => {
  if (v.is(peerNameField, text)) return text
  throw new RangeError('must be a peer id such as 12D3KooW….')
}

/** A web address without a query; empty for none. A slash at its end says nothing. */
export const readWebAddress: Read<string> = (text) => {
  if (text === '') return text
  const isWeb = /^https?:\/\/[^\s?#]+$/.test(text) && text.length <= 300 && URL.canParse(text)
  if (isWeb && new URL(text).username === '') return text.replace(/\/+$/, '')
  throw new RangeError('must be a web address such as https://hub.example, without a query or a user.')
}

/** Somewhere to be dialled: a WebSocket multiaddr, or a URL that is turned into one. */
export const readAddress: Read<string> = (text) => {
  const address = addressOfUrl(text) ?? text
  if (parseSocketAddress(address)) return address
  throw new RangeError(
    'must be a URL such as wss://relay.example or an address such as /dns/relay.example/tcp/443/tls/ws.',
  )
}

function addressOfUrl(text: string): string | undefined {
  if (!/^(https?|wss?):\/\//.test(text) || !URL.canParse(text)) return undefined
  const { protocol, port, hostname, pathname, search, hash, username } = new URL(text)
  const folder = folderOf(pathname)
  // What would be left out in silence is a mistake of whoever wrote it.
  if (folder === undefined || search !== '' || hash !== '' || username !== '')
    throw new RangeError('must be a URL without a query, a user or unusual characters in its path.')
  const isSecure = protocol === 'https:' || protocol === 'wss:'
  return socketAddress({
    host: hostname,
    port: port === '' ? (isSecure ? 443 : 80) : Number(port),
    isSecure,
    folder,
  })
}

/** Whom to believe the `X-Forwarded-For` header: nobody, the last n proxies, or proxies in these networks. */
export type TrustProxy = number | readonly string[]

export const readTrustProxy: Read<TrustProxy> = (text) => {
  if (/^\d$/.test(text)) return Number(text)
  const networks = readList(readText)(text)
  if (networks.length > 0 && networks.every(isNetwork)) return networks
  throw new RangeError(
    'must be the number of proxies (0 to 9) or their networks, such as 10.0.0.0/8,fd00::/8.',
  )
}

/** An address, or a subnet such as 10.0.0.0/8. */
export function isNetwork(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/')
  const version = isIP(address)
  if (version === 0 || rest.length > 0) return false
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128))
}

const iceServersSchema = v.pipe(
  v.array(
    v.strictObject({
      urls: v.union([v.string(), v.array(v.string())]),
      username: v.optional(v.string()),
      credential: v.optional(v.string()),
    }),
  ),
  v.check((servers) => servers.flatMap(({ urls }) => urls).every((url) => /^(stuns?|turns?):\S+$/.test(url))),
  // Browsers refuse a TURN server without them, and with it every connection of a tab.
  v.check((servers) =>
    servers.every(
      ({ urls, username, credential }) =>
        (username !== undefined && credential !== undefined) ||
        ![urls].flat().some((url) => /^turns?:/.test(url)),
    ),
  ),
)

/** STUN and TURN servers in the form that `RTCPeerConnection` takes. */
export type IceServers = v.InferOutput<typeof iceServersSchema>

export const readIceServers: Read<IceServers> = (text) => {
  try {
    return v.parse(iceServersSchema, JSON.parse(text))
  } catch {
    throw new RangeError(
      'must be JSON such as [{"urls":"stun:stun.example:3478"}], with stun:, stuns:, turn: or turns: URLs; TURN needs username and credential.',
    )
  }
}
