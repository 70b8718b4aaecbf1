/** What this browser gives this page, in bytes; `undefined` where it does not say. Never throws. */
export async function readRoom(storage: StorageManager | undefined = navigator.storage): Promise<{
  readonly freeBytes: number | undefined
  readonly isLasting: boolean | undefined
}> {
  const [estimate, isLasting] = await Promise.all([
    storage?.estimate().catch(() => undefined),
    storage?.persisted().catch(() => undefined),
  ])
  const { usage, quota } = estimate ?? {}
  return { freeBytes: quota === undefined ? undefined : Math.max(0, quota - (usage ?? 0)), isLasting }
}
