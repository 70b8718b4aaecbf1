import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { concatBytes, fromHex, utf8 } from '../base/bytes.ts'
import type { ChainAddress, PeerName } from '../base/ids.ts'
import { tagOf } from '../wire/versions.ts'

/** What a peer's key says: "on this chain, at this stake contract, that operator is me". */
export interface BindingTerms {
  readonly chainId: number
  /** The stake contract, which names one deployment of the network. */
  readonly stake: ChainAddress
  /** The address that is paid and that stakes. */
  readonly operator: ChainAddress
}

const PEER_KEY_BYTES = 32

/** Binds a peer to its operator: 64 bytes, an Ed25519 signature that is made once and named in every quote. */
export async function makeBinding(key: PrivateKey, terms: BindingTerms): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await key.sign(boundBytes(terms)))
}

/** True when the key inside the peer's name made the binding. Never throws. */
export async function verifiesBinding(
  binding: Uint8Array,
  terms: BindingTerms,
  peer: PeerName,
): Promise<boolean> {
  try {
    const key = peerIdFromString(peer).publicKey
    return key?.type === 'Ed25519' && (await key.verify(boundBytes(terms), binding))
  } catch {
    return false // not a peer's name: nobody can have signed for it
  }
}

/** The same of a raw Ed25519 key, 64 hex digits, as the stake contract keeps it. Never throws. */
export async function keyVerifiesBinding(
  binding: Uint8Array,
  terms: BindingTerms,
  peerKey: string,
): Promise<boolean> {
  try {
    const raw = fromHex(peerKey)
    // Of another length it would be read as a key of another kind.
    return raw.length === PEER_KEY_BYTES && (await publicKeyFromRaw(raw).verify(boundBytes(terms), binding))
  } catch {
    return false // no point of the curve: nobody can have signed for it
  }
}

/** The tag of bindings, the chain id as 8 bytes big-endian, the stake contract, the operator. */
function boundBytes({ chainId, stake, operator }: BindingTerms): Uint8Array {
  const chain = fromHex(BigInt(chainId).toString(16).padStart(16, '0'))
  return concatBytes(
    utf8(tagOf('hashed', 'binding')),
    chain,
    fromHex(stake.slice(2)),
    fromHex(operator.slice(2)),
  )
}
