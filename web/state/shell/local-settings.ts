import type { SettingsStore } from '../session/services.ts'

/** Settings that tell when one was set, here or in another tab. */
export interface WatchedSettings extends SettingsStore {
  onChange(callback: () => void): void
}

/** Settings in local storage, each under a name of ours; where that is off, they last as long as the page. */
export function localSettings(window: Window): WatchedSettings {
  const memory = new Map<string, string>()
  const listeners: (() => void)[] = []
  const tell = (): void => listeners.forEach((listener) => listener())
  window.addEventListener('storage', tell)
  return {
    get(name) {
      try {
        return window.localStorage.getItem(`infernet.${name}`) ?? memory.get(name)
      } catch {
        return memory.get(name)
      }
    },
    set(name, value) {
      memory.set(name, value)
      try {
        window.localStorage.setItem(`infernet.${name}`, value)
      } catch {
        // Storage is full or off: the choice lasts until the page closes.
      }
      tell()
    },
    onChange: (callback) => void listeners.push(callback),
  }
}
