import { MINUTE_MS } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { Lock, NewLock } from './key-locks.ts'

/** What the PRF extension gives (W3C Web Authentication 3, 10.1.4). */
const SECRET_BYTES = 32
/** How long a person may take for it. */
const TIMEOUT_MS = 2 * MINUTE_MS
/** ES256, EdDSA, RS256: what authenticators have. Nothing is ever signed with them here. */
const ALGORITHMS = [-7, -8, -257]

type PasskeyLock = Extract<Lock, { kind: 'passkey' }>

/** Whether this browser has passkeys at all; whether one gives a key shows when it is made. */
export function passkeysMayWork(): boolean {
  return typeof PublicKeyCredential === 'function' && isSecureContext
}

/**
 * Makes a passkey of this device for the place that this page came from; at another relay's it does not open anything.
 *
 * @throws InfernetError `wallet.no-passkey`
 */
export async function newPasskey(): Promise<NewLock> {
  const salt = random(SECRET_BYTES)
  const made = await asked(() =>
    navigator.credentials.create({
      publicKey: {
        rp: { name: 'Infernet' },
        user: { id: random(16), name: 'Infernet wallet', displayName: 'Infernet wallet' },
        challenge: random(SECRET_BYTES),
        pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: 'public-key', alg })),
        authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' },
        timeout: TIMEOUT_MS,
        extensions: { prf: { eval: { first: salt } } },
      },
    }),
  )
  if (!(made.getClientExtensionResults().prf?.enabled ?? false)) throw noPasskey('it gives no key')
  const lock = { kind: 'passkey', salt, credential: new Uint8Array(made.rawId) } as const
  // Many authenticators give the key only when they are asked with it, not when it is made.
  return { lock, secret: await passkeySecret(lock) }
}

/** The key behind a passkey, once its person has agreed. @throws InfernetError `wallet.no-passkey` */
export async function passkeySecret({ salt, credential }: PasskeyLock): Promise<Uint8Array<ArrayBuffer>> {
  const given = await asked(() =>
    navigator.credentials.get({
      publicKey: {
        challenge: random(SECRET_BYTES),
        allowCredentials: [{ type: 'public-key', id: credential }],
        userVerification: 'required',
        timeout: TIMEOUT_MS,
        extensions: { prf: { eval: { first: salt } } },
      },
    }),
  )
  const first = given.getClientExtensionResults().prf?.results?.first
  const secret = first instanceof ArrayBuffer ? new Uint8Array(first) : undefined
  if (secret?.length !== SECRET_BYTES) throw noPasskey('it gives no key')
  return secret
}

async function asked(ask: () => Promise<Credential | null>): Promise<PublicKeyCredential> {
  let given: Credential | null
  try {
    given = await ask()
  } catch (cause) {
    throw noPasskey('it was not given', cause)
  }
  if (!(given instanceof PublicKeyCredential)) throw noPasskey('it was not given')
  return given
}

function noPasskey(reason: string, cause?: unknown): InfernetError {
  return new InfernetError('wallet.no-passkey', { reason }, { cause })
}

function random(bytes: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(bytes))
}
