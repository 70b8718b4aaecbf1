import type { SettingsStore } from '../session/services.ts'

/** The visitor's token for that hub; undefined where there is none. A hub that was chosen later gets no other's. */
export type TokenOf = (hubUrl: string) => string | undefined

const NAME = 'models.hub-token'

/** What is kept: which hub it was entered for, and the token. An older page's, of which the hub is not known, is none. */
export function readHubToken(
  store: Pick<SettingsStore, 'get'>,
): { readonly hub: string; readonly token: string } | undefined {
  const [hub, token] = (store.get(NAME) ?? '').split(' ')
  return hub && token ? { hub, token } : undefined
}

export function keepHubToken(store: SettingsStore, hubUrl: string, token: string): void {
  store.set(NAME, `${hubOf(hubUrl)} ${token}`)
}

export function forgetHubToken(store: SettingsStore): void {
  store.set(NAME, '')
}

export function hubTokenFor(store: Pick<SettingsStore, 'get'>, hubUrl: string): string | undefined {
  const kept = readHubToken(store)
  return kept?.hub === hubOf(hubUrl) ? kept.token : undefined
}

/** Its address in one form, and without a space. */
function hubOf(hubUrl: string): string {
  return new URL(hubUrl).href
}
