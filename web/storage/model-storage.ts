/** How much room this origin has, and whether the browser may throw it away. */
export interface StorageRoom {
  readonly usedBytes: number
  readonly freeBytes: number
  /** False: the browser may evict everything at once when space gets short, or after a week without a visit (Safari). */
  readonly persisted: boolean
}

/** Undefined where the browser does not say. */
export async function readStorageRoom(
  storage: StorageManager = navigator.storage,
): Promise<StorageRoom | undefined> {
  try {
    const { usage = 0, quota = 0 } = await storage.estimate()
    return { usedBytes: usage, freeBytes: Math.max(0, quota - usage), persisted: await storage.persisted() }
  } catch {
    return undefined
  }
}

/** Asks that weights be kept; to be called from a press of a button, since some browsers ask the person. */
export async function keepStorage(storage: StorageManager = navigator.storage): Promise<boolean> {
  return storage.persist().catch(() => false)
}

/** Deletes every kept model file. @param folder the one of `web/engine/opfs-cache.ts` */
export async function clearModelStorage(
  folder = 'models',
  storage: StorageManager = navigator.storage,
): Promise<void> {
  const root = await storage.getDirectory()
  await root.removeEntry(folder, { recursive: true }).catch(() => undefined)
}
