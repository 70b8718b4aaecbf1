import {
  DeviceFull,
  type DeviceFile,
  type FullReason,
  type StoreDevice,
} from '../models/store/store-device.ts'

/** What a tab that is killed looks like from inside: nothing answers any more. */
export class Killed extends Error {}

export interface DiskInit {
  /** Bytes that all files together may have. @default no limit */
  readonly roomBytes?: number
  readonly fullReason?: FullReason
  /** What files are stamped with, in ms. @default a count of writes */
  readonly now?: () => number
}

export interface DeathInit {
  /** After how many steps it dies: a byte is one, opening, flushing, deleting and asking are one each. */
  readonly after: number
  /** The power went too: of what was not flushed, each write stayed or did not, as this draws. @default all stayed */
  readonly powerCut?: () => number
}

interface DiskFile {
  bytes: Uint8Array<ArrayBuffer>
  modifiedAt: number
  /** Undoes what was not flushed yet, the oldest write first. */
  undo: (() => void)[]
}

/** Files in memory as a disk keeps them: past the death of whoever writes, in the middle of a write too. */
export class MemoryDisk {
  readonly files = new Map<string, DiskFile>()
  roomBytes: number
  readonly #init: DiskInit
  #writes = 0

  constructor(init: DiskInit = {}) {
    this.#init = init
    this.roomBytes = init.roomBytes ?? Infinity
  }

  /** All that is stored now. */
  get usedBytes(): number {
    return [...this.files.values()].reduce((sum, { bytes }) => sum + bytes.length, 0)
  }

  /** Changes a file behind everybody's back. */
  tamper(
    name: string,
    change: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>,
    at?: number,
  ): void {
    const file = this.files.get(name)
    if (!file) throw new Error(`no file ${name}`)
    file.bytes = change(file.bytes)
    file.modifiedAt = at ?? this.#stamp()
  }

  put(name: string, bytes: Uint8Array<ArrayBuffer>): void {
    this.files.set(name, { bytes, modifiedAt: this.#stamp(), undo: [] })
  }

  /** One user's view of it, who may die. */
  device(death?: DeathInit): StoreDevice & { readonly isDead: boolean } {
    let steps = 0
    let isDead = false
    /** How many of these steps are still taken. */
    const take = (wanted: number): number => {
      if (isDead) throw new Killed()
      const left = (death?.after ?? Infinity) - steps
      steps += wanted
      return Math.min(wanted, left)
    }
    const die = (): never => {
      isDead = true
      if (death?.powerCut) this.#cutPower(death.powerCut)
      throw new Killed()
    }
    const step = (): void => void (take(1) < 1 && die())
    const device = this.#deviceOf(take, die, step)
    return {
      ...device,
      get isDead() {
        return isDead
      },
    }
  }

  #deviceOf(take: (wanted: number) => number, die: () => never, step: () => void): StoreDevice {
    return {
      sharesReads: true,
      open: async (name, mode) => {
        step()
        if (mode === 'write' && !this.files.has(name)) this.put(name, new Uint8Array(0))
        const file = this.files.get(name)
        return file && this.#open(file, take, die, step)
      },
      stat: async (name) => {
        step()
        const file = this.files.get(name)
        return file && { size: file.bytes.length, modifiedAt: file.modifiedAt }
      },
      remove: async (name) => {
        step()
        this.files.delete(name)
      },
      rename: async (from, to) => {
        step()
        const file = this.files.get(from)
        if (!file) throw new Error(`no file ${from}`)
        this.files.delete(from)
        this.files.set(to, file)
      },
      list: async () => {
        step()
        return [...this.files.keys()]
      },
    }
  }

  #open(file: DiskFile, take: (wanted: number) => number, die: () => never, step: () => void): DeviceFile {
    const readNow: DeviceFile['readNow'] = (at, into) => {
      step()
      const part = file.bytes.subarray(at, at + into.length)
      into.set(part)
      return part.length
    }
    return {
      readNow,
      read: async (at, into) => readNow(at, into),
      write: async (at, bytes) => {
        const growth = Math.max(0, at + bytes.length - file.bytes.length)
        const room = this.roomBytes - this.usedBytes
        const fitting = growth <= room ? bytes.length : Math.max(0, bytes.length - (growth - room))
        const taken = take(fitting)
        this.#write(file, at, bytes.subarray(0, taken))
        if (taken < fitting) die()
        if (fitting < bytes.length) throw new DeviceFull(this.#init.fullReason ?? 'quota')
      },
      flush: async () => {
        step()
        file.undo = []
      },
      close: async () => {},
    }
  }

  #write(file: DiskFile, at: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return
    const before = file.bytes.slice(at, at + bytes.length)
    file.undo.push(() => {
      const gone = new Uint8Array(bytes.length)
      gone.set(before)
      file.bytes.set(gone, at)
    })
    if (at + bytes.length > file.bytes.length) {
      const grown = new Uint8Array(at + bytes.length)
      grown.set(file.bytes)
      file.bytes = grown
    }
    file.bytes.set(bytes, at)
    file.modifiedAt = this.#stamp()
  }

  #cutPower(chance: () => number): void {
    for (const file of this.files.values()) {
      for (const undo of file.undo.toReversed()) if (chance() < 0.5) undo()
      file.undo = []
    }
  }

  #stamp(): number {
    return this.#init.now?.() ?? ++this.#writes
  }
}
