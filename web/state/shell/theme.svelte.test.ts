import { expect, it } from 'vitest'
import type { SettingsStore } from '../session/services.ts'
import { Theme, type ThemeName } from './theme.svelte.ts'

function memoryStore(): SettingsStore {
  const kept = new Map<string, string>()
  return { get: (name) => kept.get(name), set: (name, value) => void kept.set(name, value) }
}

it('follows the system until the visitor chooses', () => {
  const store = memoryStore()
  const shown: ThemeName[] = []
  let dark = false
  let systemChanged = (): void => undefined
  const host = {
    systemIsDark: () => dark,
    onSystemChange: (callback: () => void) => {
      systemChanged = callback
      return () => undefined
    },
    apply: (theme: ThemeName) => void shown.push(theme),
  }
  const theme = new Theme(store, host)
  dark = true
  systemChanged()
  expect(theme.name).toBe('dark')
  theme.toggle()
  expect(theme.name).toBe('light')
  systemChanged()
  expect(theme.name).toBe('light')
  expect(shown).toEqual(['dark', 'light'])
  expect(new Theme(store, host).name).toBe('light')
})
