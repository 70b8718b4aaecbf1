import type { Conditions } from '../session/services.ts'

/** Chromium's battery, which the standard library's types do not name. */
interface Battery extends EventTarget {
  readonly charging: boolean
}
interface Connection extends EventTarget {
  readonly saveData?: boolean
  readonly type?: string
}
type NavigatorMore = Navigator & { getBattery?: () => Promise<Battery>; connection?: Connection }

/** Hidden, on battery, metered: as far as this browser tells. Firefox and Safari tell only the first. */
export function browserConditions(window: Window): Conditions {
  const navigator = window.navigator as NavigatorMore
  const callbacks = new Set<() => void>()
  const tell = (): void => callbacks.forEach((callback) => callback())
  let battery: Battery | undefined

  window.document.addEventListener('visibilitychange', tell)
  navigator.connection?.addEventListener('change', tell)
  void navigator
    .getBattery?.()
    .then((found) => {
      battery = found
      found.addEventListener('chargingchange', tell)
      tell()
    })
    .catch(() => undefined)

  return {
    get hidden() {
      return window.document.visibilityState === 'hidden'
    },
    get onBattery() {
      return battery ? !battery.charging : undefined
    },
    get metered() {
      const connection = navigator.connection
      if (!connection || (connection.saveData === undefined && connection.type === undefined))
        return undefined
      return connection.saveData === true || connection.type === 'cellular'
    },
    onChange(callback) {
      callbacks.add(callback)
      return () => callbacks.delete(callback)
    },
  }
}
