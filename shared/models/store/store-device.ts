/**
 * What a store needs of a place with files: the origin private file system of a browser, a folder in Node, memory in
 * tests. Names are plain (hex digits and a dot), and nobody but the store's own users opens them.
 */
export interface StoreDevice {
  /** Whether several may have one file open for reading at a time; where not, the store lets one in after the other. */
  readonly sharesReads: boolean
  /** Opens a file: for writing it is made where it is missing, for reading there is none then. */
  open(name: string, mode: 'read' | 'write'): Promise<DeviceFile | undefined>
  /** Undefined where there is no such file. */
  stat(name: string): Promise<FileStamp | undefined>
  /** Deletes a file; one that is missing is deleted already. */
  remove(name: string): Promise<void>
  /** Gives a file another name, which none has. @default there is no such thing, and bytes are copied */
  rename?(from: string, to: string): Promise<void>
  /** The names of all files. */
  list(): Promise<readonly string[]>
}

/** How a file looks from outside: whoever writes to it changes one of both. */
export interface FileStamp {
  /** In bytes. */
  readonly size: number
  /** In milliseconds of whatever clock the device has. It is compared for being the same, never for being later. */
  readonly modifiedAt: number
}

export interface DeviceFile {
  /** Fills `into` from `at` on and tells how many bytes there were: fewer at the end of the file. */
  read(at: number, into: Uint8Array<ArrayBuffer>): Promise<number>
  /** As `read`, without a wait: what is asked for in the middle of a call. */
  readNow(at: number, into: Uint8Array<ArrayBuffer>): number
  /** Writes at `at`, beyond the end as well. @throws DeviceFull when it does not fit; a part may be written then */
  write(at: number, bytes: Uint8Array<ArrayBuffer>): Promise<void>
  /** What was written before survives whatever comes after. */
  flush(): Promise<void>
  close(): Promise<void>
}

/** Why nothing more fits: `quota` where this page or user may have no more, `disk` where nobody gets any more. */
export type FullReason = 'quota' | 'disk'

export class DeviceFull extends Error {
  readonly reason: FullReason

  constructor(reason: FullReason, options?: ErrorOptions) {
    super(`no room: ${reason}`, options)
    this.name = 'DeviceFull'
    this.reason = reason
  }
}
