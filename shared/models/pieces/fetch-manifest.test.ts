import { beforeEach, describe, expect, it } from 'vitest'
import { toHex } from '../../base/bytes.ts'
import { modelHash } from '../../base/ids.ts'
import { MIB, millis } from '../../base/units.ts'
import { FakeClock } from '../../testing/fake-clock.ts'
import { digest, makeModel, TestSwarm, type TestModel } from '../../testing/pieces.ts'
import { realClock } from '../../testing/real-clock.ts'
import { encode } from '../../wire/codec.ts'
import { FramedStream } from '../../wire/framed-stream.ts'
import { hashManifest } from '../manifest.ts'
import { OPEN_DEADLINE_MS } from './constants.ts'
import { fetchManifest } from './fetch-manifest.ts'
import { fetcherMessageSchema } from './messages.ts'
import type { PiecesService } from './pieces-service.ts'

const hanging: PiecesService['handle'] = () => new Promise(() => undefined)

/** Sends these bytes for whatever manifest it is asked for. */
function giving(bytes: Uint8Array, { total = bytes.length } = {}) {
  const handle: PiecesService['handle'] = async (stream) => {
    const frames = new FramedStream(stream, fetcherMessageSchema, realClock)
    await frames.receive()
    await frames.send({ type: 'manifest', total, offset: 0, bytes })
  }
  return handle
}

describe('fetchManifest', () => {
  let model: TestModel
  let swarm: TestSwarm

  beforeEach(async () => {
    model = await makeModel({ 'onnx/model.onnx': 1000 })
    swarm = await TestSwarm.create()
  })
  const named = async (bytes: Uint8Array<ArrayBuffer>) =>
    modelHash(toHex(new Uint8Array(await digest(bytes))))

  it('says of one that is right and of a task not known here that it cannot be used, whoever hangs meanwhile', async () => {
    const bytes = encode({ ...model.manifest, task: 'image-generation' })
    await swarm.add(hanging)
    for (let i = 0; i < 8; i++) await swarm.add(giving(bytes))
    await expect(fetchManifest({ swarm, clock: realClock }, await named(bytes))).rejects.toMatchObject({
      code: 'models.unsupported',
    })
    expect(swarm.opened.length, 'nobody has other bytes of that name').toBeLessThan(9)
  })

  it('believes no bytes of another hash, and takes none of more than a manifest may have', async () => {
    const other = encode({ ...model.manifest, name: 'Other' })
    await swarm.add(giving(other))
    await swarm.add(giving(new Uint8Array(1000), { total: 3 * MIB }))
    await expect(
      fetchManifest({ swarm, clock: realClock }, hashManifest(model.manifest)),
    ).rejects.toMatchObject({ code: 'models.nobody-left' })
    expect(swarm.opened).toHaveLength(2)
  })

  it('asks no more peers than it may, and waits for none of them longer than a moment', async () => {
    const clock = new FakeClock()
    for (let i = 0; i < 9; i++) await swarm.add(hanging)
    const hash = hashManifest(model.manifest)
    const fetching = fetchManifest({ swarm, clock }, hash, { maxPeers: 3 }).catch((thrown: unknown) => thrown)
    await expect.poll(() => swarm.opened.length).toBe(3)
    await clock.advance(millis(OPEN_DEADLINE_MS))
    expect(await fetching).toMatchObject({ code: 'models.nobody-left' })
    expect(swarm.opened).toHaveLength(3)
  })
})
