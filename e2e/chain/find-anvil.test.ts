import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findAnvil, type AnvilPlaces } from './find-anvil.ts'

let root: string
const at = (folder: string): string => join(root, folder, 'anvil')
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'infernet-anvil-'))
  for (const folder of ['package', 'named', 'home/.foundry/bin', 'path']) {
    mkdirSync(join(root, folder), { recursive: true })
    writeFileSync(at(folder), '')
    chmodSync(at(folder), 0o755)
  }
})
afterAll(() => rmSync(root, { recursive: true }))

function places(changes: Partial<AnvilPlaces> = {}): AnvilPlaces {
  return {
    env: { FOUNDRY_BIN: join(root, 'named'), PATH: ['/nowhere', join(root, 'path')].join(delimiter) },
    home: join(root, 'home'),
    platform: 'linux',
    arch: 'x64',
    resolve: (file) => (file === '@foundry-rs/anvil-linux-amd64/bin/anvil' ? at('package') : missing()),
    ...changes,
  }
}
const missing = (): never => {
  throw new Error('not installed')
}

test("npm's package comes first, then $FOUNDRY_BIN, then Foundry's own folder, then the PATH", () => {
  expect(findAnvil(places())).toBe(at('package'))
  const other = { arch: 'arm64' } // npm has no package for it
  expect(findAnvil(places(other))).toBe(at('named'))
  const { env } = places()
  expect(findAnvil(places({ ...other, env: { ...env, FOUNDRY_BIN: undefined } }))).toBe(
    at('home/.foundry/bin'),
  )
  expect(findAnvil(places({ ...other, env: { PATH: env['PATH'] }, home: '/nobody' }))).toBe(at('path'))
})

test('where there is none, that is the answer', () => {
  expect(findAnvil(places({ resolve: missing, env: {}, home: '/nobody' }))).toBeUndefined()
})
