import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { MIB } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { FileStore } from '#shared/models/store/file-store.ts'
import { LocalLocks } from '#shared/models/store/store-locks.ts'
import { useFiles } from '#shared/models/store/use-files.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { MemoryDisk } from '#shared/testing/memory-disk.ts'
import { makeModelFile, nodeDigest as digest } from '#shared/testing/model-file.ts'
import { pieceStoreChecks } from '#shared/testing/piece-store-checks.ts'
import { WeightsClient } from './weights-client.ts'
import { createWeightsHost } from './weights-host.ts'

const ports: MessagePort[] = []
afterEach(() => ports.splice(0).forEach((port) => port.close()))

/** A client whose worker is the other end of a real channel. */
function clientOf(disk: MemoryDisk | undefined, locks = new LocalLocks()): WeightsClient {
  const { port1, port2 } = new MessageChannel()
  ports.push(port1, port2)
  const clock = new FakeClock()
  createWeightsHost(
    {
      postMessage: (message, transfer) => port2.postMessage(message, transfer),
      onMessage: (listener) => void port2.on('message', listener),
    },
    async () => disk && new FileStore({ device: disk.device(), locks, digest, clock }),
  )
  return new WeightsClient({
    postMessage: (message, transfer) => port1.postMessage(message, transfer),
    onMessage: (listener) => void port1.on('message', listener),
  })
}
const { file, piece } = makeModelFile(MIB + 9)

describe('the model files behind a worker', () => {
  it.each(Object.entries(pieceStoreChecks))('%s', (_, check) =>
    check(() => clientOf(new MemoryDisk()), digest),
  )

  it('are the same for every tab, take a buffer over as it is, and of a part of one a copy', async () => {
    const [disk, locks] = [new MemoryDisk(), new LocalLocks()]
    const [one, other] = [clientOf(disk, locks), clientOf(disk, locks)]
    const part = new Uint8Array([...piece(0), 7]).subarray(0, MIB)
    expect(await one.put(file, 0, part)).toBe('kept')
    expect(part).toEqual(piece(0))
    const given = piece(0)
    expect(await one.put(file, 0, given)).toBe('kept')
    expect(given.length, 'nobody copied it').toBe(0)
    expect((await other.held(file)).has(0)).toBe(true)
    expect(await other.list()).toEqual([{ sha256: file.sha256, bytes: MIB }])
  })

  it('say why there is no room, and who uses what shall go', async () => {
    const [disk, locks] = [new MemoryDisk({ roomBytes: 100, fullReason: 'disk' }), new LocalLocks()]
    const client = clientOf(disk, locks)
    expect(await client.put(file, 0, piece(0))).toBe('full')
    expect(client.fullReason).toBe('disk')
    const release = await useFiles(locks, [file])
    await expect(client.remove(file)).rejects.toMatchObject({ code: 'models.in-use' })
    release()
    await client.remove(file)
  })

  it('tell where a browser keeps nothing, and fail by name when their worker dies', async () => {
    expect(await clientOf(undefined).isOpen()).toBe(false)
    const client = clientOf(new MemoryDisk())
    expect(await client.isOpen()).toBe(true)
    const waiting = client.held(file)
    client.fail(new InfernetError('models.store-lost'))
    await expect(waiting).rejects.toMatchObject({ code: 'models.store-lost' })
    await expect(client.put(file, 0, piece(0))).rejects.toMatchObject({ code: 'models.store-lost' })
  })
})
