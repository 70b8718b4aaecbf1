import { describe, expect, it } from 'vitest'
import { MIB } from '../../base/units.ts'
import { seededChance } from '../../testing/chance.ts'
import { MemoryDisk } from '../../testing/memory-disk.ts'
import { hashHex } from '../../testing/model-file.ts'
import { digest, makeModel, scriptedSeeder, sendPiece, TestSwarm } from '../../testing/pieces.ts'
import { realClock, realRandom } from '../../testing/real-clock.ts'
import { FileStore } from '../store/file-store.ts'
import { LocalLocks } from '../store/store-locks.ts'
import { openStoredFiles } from '../store/stored-files.ts'
import { fetchModel } from './fetch-model.ts'

const KILLS = 20

describe('a download from peers in a tab that is killed again and again', () => {
  it.each([false, true])(
    'asks for nothing again that was kept, and gives nothing wrong (power cut: %s)',
    async (cutsPower) => {
      const chance = seededChance(7)
      const model = await makeModel({ 'onnx/model.onnx': 4.5 * MIB, 'tokenizer.json': 3000 })
      const disk = new MemoryDisk()
      const swarm = await TestSwarm.create()
      const told = new Set<number>()
      let keptBefore: ReadonlySet<number> = new Set()
      const result = { kills: 0, askedAgain: 0, lost: 0, wrong: 0 }
      const seeder = scriptedSeeder(model, {
        clock: realClock,
        onMessage: async (said, to) => {
          if (said.type !== 'want') return
          if (keptBefore.has(said.piece)) result.askedAgain++
          await sendPiece(model, said.piece, to)
        },
      })
      await swarm.add(seeder)
      await swarm.add(seeder)
      const storeOver = (device: ReturnType<MemoryDisk['device']>): FileStore =>
        new FileStore({ device, locks: new LocalLocks(), digest, clock: realClock })
      const fetch = (store: FileStore): Promise<unknown> =>
        fetchModel({ store, swarm, clock: realClock, random: realRandom }, model.manifest, {
          onHeld: (piece) => told.add(piece),
        })
      while (result.kills < KILLS) {
        const after = Math.floor(chance() ** 2 * 3 * MIB)
        const device = disk.device({ after, ...(cutsPower ? { powerCut: chance } : {}) })
        await fetch(storeOver(device)).catch((thrown: unknown) => {
          if (!device.isDead) throw thrown
        })
        if (device.isDead) result.kills++
        const left = storeOver(disk.device())
        const held = await model.numbers.heldIn(left)
        result.lost += [...told].filter((piece) => !held.has(piece)).length
        for (let flat = 0; flat < held.pieces; flat++) {
          const placed = model.numbers.at(flat)
          if (placed && held.has(flat) && !(await left.read(placed.file, placed.piece))) result.wrong++
        }
        if (held.isComplete && result.kills < KILLS) {
          // Done too early: from the beginning, on a disk that was used before.
          for (const file of model.manifest.files) await left.remove(file)
          told.clear()
        }
        keptBefore = new Set(told)
      }
      const store = storeOver(disk.device())
      await fetch(store)
      expect(result).toEqual({ kills: KILLS, askedAgain: 0, lost: 0, wrong: 0 })
      const files = await openStoredFiles(store, model.manifest)
      for (const { path, sha256 } of model.manifest.files)
        expect(hashHex((await files?.read(path)) ?? new Uint8Array())).toBe(sha256)
    },
  )
})
