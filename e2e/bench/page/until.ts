/** Waits until a change makes it so. */
export function until(
  source: { onChange(callback: () => void): () => void },
  isSo: () => boolean,
): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!isSo()) return
      stop()
      resolve()
    }
    const stop = source.onChange(look)
    look()
  })
}
