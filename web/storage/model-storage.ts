/**
 * Asks that weights be kept; to be called from a press of a button, since some browsers ask the person, who may take
 * their time. False: the browser may delete everything at once when space gets short, or after a week without a visit
 * (Safari).
 *
 * @param storage undefined on a page over plain http
 */
export async function keepStorage(storage: StorageManager | undefined = navigator.storage): Promise<boolean> {
  try {
    return (await storage?.persist()) ?? false
  } catch {
    return false
  }
}
