import type { SettingsStore } from './services.ts'

export type ThemeName = 'light' | 'dark'

/** What the theme needs of the page: the system's wish and a place to write the choice. */
export interface ThemeHost {
  systemIsDark(): boolean
  onSystemChange(callback: () => void): () => void
  apply(theme: ThemeName): void
}

/** Follows the system until the visitor chooses; `theme.js` has applied the same choice before the first paint. */
export class Theme {
  readonly #store: SettingsStore
  readonly #host: ThemeHost
  #name = $state<ThemeName>('light')

  constructor(store: SettingsStore, host: ThemeHost) {
    this.#store = store
    this.#host = host
    this.#name = this.#chosen() ?? this.#system()
    host.onSystemChange(() => {
      if (!this.#chosen()) this.#show(this.#system())
    })
  }

  get name(): ThemeName {
    return this.#name
  }

  toggle(): void {
    const next = this.#name === 'dark' ? 'light' : 'dark'
    this.#store.set('theme', next)
    this.#show(next)
  }

  #show(theme: ThemeName): void {
    this.#name = theme
    this.#host.apply(theme)
  }

  #chosen(): ThemeName | undefined {
    const saved = this.#store.get('theme')
    return saved === 'light' || saved === 'dark' ? saved : undefined
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
