import { MINUTE_MS } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { Lock, NewLock } from './key-locks.ts'

/** What the PRF extension gives (W3C Web Authentication 3, 10.1.4). */
const SECRET_BYTES = 32
/** How long a person may take for it. */
const TIMEOUT_MS = 2 * MINUTE_MS
/** ES256, EdDSA, RS256: what authenticators have. Nothing is ever signed with them here. */
const ALGORITHMS = [-7, -8, -257]
/** How the device lists it. */
const NAME = 'Infernet wallet'

type PasskeyLock = Extract<Lock, { kind: 'passkey' }>

interface AskOptions {
  /** Takes the question back. */
  readonly signal?: AbortSignal | undefined
}

/** Newer than some browsers that have passkeys. */
type Newer = Partial<Pick<typeof PublicKeyCredential, 'getClientCapabilities' | 'signalUnknownCredential'>>

/**
 * Whether this browser has passkeys for this place at all: they belong to a name, and to no address. Whether one gives a
 * key shows when it is made.
 */
export function passkeysMayWork(): boolean {
  return typeof PublicKeyCredential === 'function' && isSecureContext && !isAddress(location.hostname)
}

/**
 * Makes a passkey of this device for the place that this page came from; at another relay's it does not open anything.
 *
 * No browser tells before that whether a passkey of this device gives a key. One that gives none is taken back.
 *
 * @throws InfernetError `wallet.no-passkey`, `wallet.keyless-passkey`
 */
export async function newPasskey({ signal }: AskOptions = {}): Promise<NewLock> {
  // Some browsers know of themselves that no passkey gives one: then none is made.
  if ((await capabilities())['extension:prf'] === false) throw new InfernetError('wallet.keyless-passkey')
  const salt = random(SECRET_BYTES)
  const made = await asked('wallet.no-passkey', () =>
    navigator.credentials.create({
      publicKey: {
        rp: { name: 'Infernet' },
        user: { id: random(16), name: NAME, displayName: NAME },
        challenge: random(SECRET_BYTES),
        pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: 'public-key', alg })),
        authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' },
        timeout: TIMEOUT_MS,
        extensions: { prf: { eval: { first: salt } } },
      },
      ...(signal && { signal }),
    }),
  )
  const lock = { kind: 'passkey', salt, credential: new Uint8Array(made.rawId) } as const
  try {
    const { prf } = made.getClientExtensionResults()
    if (!(prf?.enabled ?? false)) throw new InfernetError('wallet.keyless-passkey')
    // Many authenticators give the key only when they are asked with it, not when it is made.
    return { lock, secret: keyIn(prf) ?? (await passkeySecret(lock, { signal })) }
  } catch (thrown) {
    forgetPasskey(lock)
    throw thrown
  }
}

/**
 * The key behind a passkey, once its person has agreed.
 *
 * @throws InfernetError `wallet.passkey-not-given`, `wallet.keyless-passkey`
 */
export async function passkeySecret(
  { salt, credential }: PasskeyLock,
  { signal }: AskOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const given = await asked('wallet.passkey-not-given', () =>
    navigator.credentials.get({
      publicKey: {
        challenge: random(SECRET_BYTES),
        allowCredentials: [{ type: 'public-key', id: credential }],
        userVerification: 'required',
        timeout: TIMEOUT_MS,
        extensions: { prf: { eval: { first: salt } } },
      },
      ...(signal && { signal }),
    }),
  )
  const secret = keyIn(given.getClientExtensionResults().prf)
  if (!secret) throw new InfernetError('wallet.keyless-passkey')
  return secret
}

/** Has the device forget a passkey that opens nothing, where the browser can say so. */
export function forgetPasskey({ credential }: PasskeyLock): void {
  const { signalUnknownCredential } = PublicKeyCredential as Newer
  const credentialId = toBase64Url(credential)
  signalUnknownCredential
    ?.call(PublicKeyCredential, { rpId: location.hostname, credentialId })
    .catch(() => undefined) // it stays in the device's list, which its person can clear
}

async function capabilities(): Promise<PublicKeyCredentialClientCapabilities> {
  const { getClientCapabilities } = PublicKeyCredential as Newer
  return (await getClientCapabilities?.call(PublicKeyCredential).catch(() => undefined)) ?? {}
}

function keyIn(prf: AuthenticationExtensionsPRFOutputs | undefined): Uint8Array<ArrayBuffer> | undefined {
  const first = prf?.results?.first
  const secret = first instanceof ArrayBuffer ? new Uint8Array(first) : undefined
  return secret?.length === SECRET_BYTES ? secret : undefined
}

async function asked(
  code: 'wallet.no-passkey' | 'wallet.passkey-not-given',
  ask: () => Promise<Credential | null>,
): Promise<PublicKeyCredential> {
  let given: Credential | null
  try {
    given = await ask()
  } catch (cause) {
    throw new InfernetError(code, {}, { cause })
  }
  if (!(given instanceof PublicKeyCredential)) throw new InfernetError(code)
  return given
}

/** An IPv4 address, or an IPv6 one, which a page's place has in brackets. */
function isAddress(host: string): boolean {
  return /^[\d.]+$/.test(host) || host.startsWith('[')
}

function toBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '')
}

function random(bytes: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(bytes))
}
