import { expect, it } from 'vitest'
import type { SettingsStore } from './services.ts'
import { Settings } from './settings.svelte.ts'

function memoryStore(): SettingsStore {
  const kept = new Map<string, string>()
  return { get: (name) => kept.get(name), set: (name, value) => void kept.set(name, value) }
}

/** What is in a set of settings now. */
function valuesOf(settings: Settings): Record<string, unknown> {
  return Object.fromEntries(Object.entries(settings).map(([name, { value }]) => [name, value as unknown]))
}

it('keeps what was chosen, and spares battery and metered connections from the start', () => {
  const store = memoryStore()
  const settings = new Settings(store)
  expect(valuesOf(settings)).toMatchObject({
    dutyPercent: 100,
    pauseHidden: false,
    pauseOnBattery: true,
    pauseMetered: true,
    claimsItself: true,
    claimLeast: undefined,
  })
  settings.dutyPercent.value = 3
  expect(settings.hideAddress.value).toBe(false)
  settings.hideAddress.value = true
  settings.pauseHidden.value = true
  settings.pauseOnBattery.value = false
  settings.claimsItself.value = false
  settings.claimLeast.value = '0.5'
  expect(valuesOf(new Settings(store))).toMatchObject({
    ...{ dutyPercent: 10, pauseHidden: true, pauseOnBattery: false, hideAddress: true },
    ...{ claimsItself: false, claimLeast: '0.5' },
  })
})
