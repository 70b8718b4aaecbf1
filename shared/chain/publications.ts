import { decodeEventLog, keccak256, stringToBytes, toHex, type Hex } from 'viem'
import { modelsAbi } from '../abi/models.ts'
import { modelHash, type ModelHash } from '../base/ids.ts'
import type { Publication } from '../models/catalogue/publications.ts'
import type { Read } from './reads.ts'

/** What a log says: whom to ask the contract about. */
export interface PublishedHint {
  readonly model: ModelHash
  readonly name: string
}

/** As the contract has it. */
const NAME = /^[a-z0-9._/-]{1,64}$/
const HIGHEST_ROYALTY_BPS = 10_000

/** `Published` as `eth_getLogs` filters for it. */
export const PUBLISHED_TOPIC: Hex = keccak256(
  stringToBytes('Published(bytes32,bytes32,address,string,uint8,uint16,address)'),
)

/** Undefined for what the contract never writes: a node may send anything. */
export function readPublishedLog({
  topics,
  data,
}: {
  readonly topics: readonly string[]
  readonly data: string
}): PublishedHint | undefined {
  try {
    const { args } = decodeEventLog({
      abi: modelsAbi,
      eventName: 'Published',
      topics: topics as [Hex, ...Hex[]],
      data: data as Hex,
    })
    const { manifest, name, nameHash } = args
    const isRight = NAME.test(name) && nameHashOf(name) === nameHash.toLowerCase()
    return isRight ? { model: modelHash(manifest.slice(2).toLowerCase()), name } : undefined
  } catch {
    return undefined
  }
}

/**
 * What the contract itself says of it now; undefined where nobody published that manifest under that name.
 *
 * @throws viem's errors
 */
export async function readPublication(
  read: Read<typeof modelsAbi>,
  { model, name }: PublishedHint,
): Promise<Publication | undefined> {
  const [[{ royaltyBps, payee }, nameHash], [owner]] = await Promise.all([
    read('modelOf', `0x${model}`),
    read('ownerOf', name),
  ])
  const isHere = BigInt(payee) !== 0n && nameHash.toLowerCase() === nameHashOf(name)
  if (!isHere || BigInt(owner) === 0n || royaltyBps > HIGHEST_ROYALTY_BPS) return undefined
  return { model, name, publisher: toHex(BigInt(owner), { size: 20 }), royaltyBps }
}

function nameHashOf(name: string): Hex {
  return keccak256(stringToBytes(name))
}
