import { expect, it } from 'vitest'
import type { SettingsStore } from './services.ts'
import { Settings } from './settings.svelte.ts'
import { Theme, type ThemeName } from './theme.svelte.ts'

function memoryStore(): SettingsStore {
  const kept = new Map<string, string>()
  return { get: (name) => kept.get(name), set: (name, value) => void kept.set(name, value) }
}

it('keeps what was chosen, and spares battery and metered connections from the start', () => {
  const store = memoryStore()
  const settings = new Settings(store)
  expect(settings).toMatchObject({
    dutyPercent: 100,
    pauseHidden: false,
    pauseOnBattery: true,
    pauseMetered: true,
    claimsItself: true,
    claimLeast: undefined,
  })
  settings.dutyPercent = 3
  expect(settings.hideAddress).toBe(false)
  settings.hideAddress = true
  settings.pauseHidden = true
  settings.pauseOnBattery = false
  settings.claimsItself = false
  settings.claimLeast = '0.5'
  expect(new Settings(store)).toMatchObject({
    ...{ dutyPercent: 10, pauseHidden: true, pauseOnBattery: false, hideAddress: true },
    ...{ claimsItself: false, claimLeast: '0.5' },
  })
})

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
