import type { Brand } from './brand.ts'

/** A libp2p peer id in its base58 text form, e.g. `12D3KooW…`. Comes from the connection, never from a message. */
export type PeerName = Brand<string, 'PeerName'>
/** SHA-256 of a model's manifest, as 64 lower-case hex digits. */
export type ModelHash = Brand<string, 'ModelHash'>
/** 16 random bytes that name a job, as 32 lower-case hex digits. Chosen by the consumer. */
export type JobId = Brand<string, 'JobId'>
/** An account or a contract on an EVM chain: `0x` and 40 lower-case hex digits, so that equal ones are equal texts. */
export type ChainAddress = Brand<`0x${string}`, 'ChainAddress'>
/** A position in the vocabulary of a model. */
export type TokenId = Brand<number, 'TokenId'>

export const peerName = (value: string): PeerName => value as PeerName
export const modelHash = (value: string): ModelHash => value as ModelHash
export const jobId = (value: string): JobId => value as JobId
export const chainAddress = (value: string): ChainAddress => value.toLowerCase() as ChainAddress
export const tokenId = (value: number): TokenId => value as TokenId

/** The last six characters: enough to tell peers apart on a page, never enough to trust. */
export function shortPeerName(peer: string): string {
  return peer.slice(-6)
}
