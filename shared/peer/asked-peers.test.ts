import { generateKeyPair } from '@libp2p/crypto/keys'
import { describe, expect, it } from 'vitest'
import { MIB } from '../base/units.ts'
import { MemoryStore } from '../models/store/memory-store.ts'
import { startLocalNode } from '../testing/local-node.ts'
import { digest, makeModel, originOf } from '../testing/pieces.ts'
import { realClock, realRandom } from '../testing/real-clock.ts'
import { Seeding } from './seeding.ts'

describe('a model that is fetched', () => {
  it.each([
    [true, { asked: true, seeded: 1 }],
    [false, { asked: false, seeded: 0 }],
  ])(
    'is asked of peers and seeded where its licence lets it be passed on: %s',
    async (mayPassOn, expected) => {
      const key = await generateKeyPair('Ed25519')
      const node = await startLocalNode({ key })
      try {
        let asked = false
        const port = {
          announce: () => Promise.resolve(),
          find: () => {
            asked = true
            return Promise.resolve([])
          },
        }
        const registers = { ports: [port], onChange: () => () => undefined }
        const seeding = new Seeding({ node, key, clock: realClock, random: realRandom, registers })
        const model = await makeModel({ 'onnx/model.onnx': 1.5 * MIB })
        const manifest = { ...model.manifest, licence: { id: 'some', mayPassOn, isGated: !mayPassOn } }
        const origins = [{ name: 'hub', source: originOf(model) }]
        const done = await seeding.fetch(manifest, { store: new MemoryStore({ digest }), origins })
        expect(done.missingBytes).toBe(0)
        expect({ asked, seeded: seeding.service.shared.length }).toEqual(expected)
        await seeding.stop()
      } finally {
        await node.stop()
      }
    },
  )
})
