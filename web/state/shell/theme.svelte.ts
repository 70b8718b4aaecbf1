import { Persisted } from '../session/persisted.svelte.ts'
import type { SettingsStore } from '../session/services.ts'

export type ThemeName = 'light' | 'dark'

/** What the theme needs of the page: the system's wish and a place to write the choice. */
export interface ThemeHost {
  systemIsDark(): boolean
  onSystemChange(callback: () => void): () => void
  apply(theme: ThemeName): void
}

/** Follows the system until the visitor chooses; `theme.js` has applied the same choice before the first paint. */
export class Theme {
  readonly #chosen: Persisted<ThemeName | undefined>
  readonly #host: ThemeHost
  #name = $state<ThemeName>('light')

  constructor(store: SettingsStore, host: ThemeHost) {
    this.#chosen = new Persisted<ThemeName | undefined>(store, 'theme', {
      read: (kept) => (kept === 'light' || kept === 'dark' ? kept : undefined),
      write: String,
    })
    this.#host = host
    this.#name = this.#chosen.value ?? this.#system()
    host.onSystemChange(() => {
      if (!this.#chosen.value) this.#show(this.#system())
    })
  }

  get name(): ThemeName {
    return this.#name
  }

  toggle(): void {
    const next = this.#name === 'dark' ? 'light' : 'dark'
    this.#chosen.value = next
    this.#show(next)
  }

  #show(theme: ThemeName): void {
    this.#name = theme
    this.#host.apply(theme)
  }

  #system(): ThemeName {
    return this.#host.systemIsDark() ? 'dark' : 'light'
  }
}

/** The theme on a real document. */
export function documentTheme(document: Document, matchMedia: (query: string) => MediaQueryList): ThemeHost {
  const query = matchMedia('(prefers-color-scheme: dark)')
  return {
    systemIsDark: () => query.matches,
    onSystemChange: (callback) => {
      query.addEventListener('change', callback)
      return () => query.removeEventListener('change', callback)
    },
    apply: (theme) => {
      document.documentElement.dataset.theme = theme
    },
  }
}
