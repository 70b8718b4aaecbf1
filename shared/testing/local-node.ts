import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Libp2p, PrivateKey } from '@libp2p/interface'
import { webSockets } from '@libp2p/websockets'
import { createNode, type NodeComponents, type NodeInit } from '../mesh/create-node.ts'

export interface LocalNodeInit extends Omit<NodeInit, 'isLocal'> {
  /** @default a new one */
  readonly key?: PrivateKey
  /** Besides WebSockets. @default none */
  readonly transports?: NodeComponents['transports']
}

/** A node in this process for tests and benches, which joins relays on this machine. */
export async function startLocalNode({ key, transports = [], ...init }: LocalNodeInit = {}): Promise<Libp2p> {
  return createNode(
    { key: key ?? (await generateKeyPair('Ed25519')), transports: [webSockets(), ...transports] },
    { ...init, isLocal: true },
  )
}
