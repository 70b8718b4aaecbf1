import fc from 'fast-check'
import {
  encodeAbiParameters,
  encodeEventTopics,
  keccak256,
  stringToBytes,
  type Address,
  type Hex,
} from 'viem'
import { describe, expect, it } from 'vitest'
import { modelsAbi } from '../abi/models.ts'
import { modelHash } from '../base/ids.ts'
import { PUBLISHED_TOPIC, readPublication, readPublishedLog } from './publications.ts'
import type { Read } from './reads.ts'

const manifest: Hex = `0x${'a1'.repeat(32)}`
const publisher: Address = `0x${'b2'.repeat(20)}`
const hashOf = (name: string): Hex => keccak256(stringToBytes(name))

function logOf(name: string, nameHash = hashOf(name)) {
  const topics = encodeEventTopics({
    abi: modelsAbi,
    eventName: 'Published',
    args: { manifest, nameHash, publisher },
  }) as Hex[]
  const types = [{ type: 'string' }, { type: 'uint8' }, { type: 'uint16' }, { type: 'address' }] as const
  return { topics, data: encodeAbiParameters(types, [name, 1, 500, publisher]) }
}

describe('a log of a publication', () => {
  it('names the manifest and its name', () => {
    const log = logOf('lab/tiny-1.0')
    expect(log.topics[0]).toBe(PUBLISHED_TOPIC)
    expect(readPublishedLog(log)).toEqual({ model: modelHash('a1'.repeat(32)), name: 'lab/tiny-1.0' })
  })

  it.each(['', 'x'.repeat(65), 'Tiny', 'two words', 'turned\u202eround'])(
    'is none under a name that the contract refuses: "%s"',
    (name) => {
      expect(readPublishedLog(logOf(name))).toBeUndefined()
    },
  )

  it('is none whose name is another than it says', () => {
    expect(readPublishedLog(logOf('tiny', hashOf('other')))).toBeUndefined()
  })

  it('is none where a node sends anything else', () => {
    const words = fc.array(fc.oneof(fc.string(), fc.constant(PUBLISHED_TOPIC), fc.constant(manifest)))
    fc.assert(
      fc.property(words, fc.string(), (topics, data) => {
        expect(readPublishedLog({ topics, data })).toBeUndefined()
      }),
    )
  })
})

describe('what the contract says of it', () => {
  const hint = { model: modelHash('a1'.repeat(32)), name: 'tiny' }
  const saying = ({ name = 'tiny', owner = publisher, payee = publisher, royaltyBps = 500 } = {}) =>
    (async (functionName: string) =>
      functionName === 'modelOf'
        ? [{ payee, royaltyBps, licence: 1 }, hashOf(name)]
        : [owner, publisher]) as unknown as Read<typeof modelsAbi>
  const nobody: Address = `0x${'0'.repeat(40)}`

  it('is believed, with the owner of the name now', async () => {
    const owner: Address = `0x${'C3'.repeat(20)}`
    expect(await readPublication(saying({ owner }), hint)).toEqual({
      ...hint,
      publisher: `0x${'c3'.repeat(20)}`,
      royaltyBps: 500,
    })
  })

  it.each([
    ['nobody published it', { payee: nobody }],
    ['it stands under another name', { name: 'other' }],
    ['nobody owns the name', { owner: nobody }],
    ['its share is above all', { royaltyBps: 10_001 }],
  ])('is nothing where %s', async (_, said) => {
    expect(await readPublication(saying(said), hint)).toBeUndefined()
  })
})
