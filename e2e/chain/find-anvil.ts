import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'

/** Where to look; each part can be replaced by a test. */
export interface AnvilPlaces {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
  readonly platform: string
  readonly arch: string
  /** The file of a package, e.g. `@foundry-rs/anvil-linux-amd64/bin/anvil`; throws when it is not installed. */
  readonly resolve: (file: string) => string
}

const thisMachine = (): AnvilPlaces => ({
  env: process.env,
  home: homedir(),
  platform: process.platform,
  arch: process.arch,
  resolve: createRequire(import.meta.url).resolve,
})

/**
 * The program that is our local chain: npm's package for this platform (not every platform has one), then
 * `$FOUNDRY_BIN`, where Foundry's own installer puts it, then the PATH. Undefined when there is none.
 */
export function findAnvil(
  { env, home, platform, arch, resolve }: AnvilPlaces = thisMachine(),
): string | undefined {
  const file = platform === 'win32' ? 'anvil.exe' : 'anvil'
  const packageName = `@foundry-rs/anvil-${platform}-${arch === 'x64' ? 'amd64' : arch}`
  const folders = [env['FOUNDRY_BIN'], join(home, '.foundry', 'bin'), ...(env['PATH'] ?? '').split(delimiter)]
  const found = folders.filter(Boolean).map((folder) => join(folder ?? '', file))
  return [ofPackage(resolve, `${packageName}/bin/${file}`), ...found].find(
    (path) => path !== undefined && existsSync(path),
  )
}

/** What to say where {@link findAnvil} finds nothing. */
export const NO_ANVIL =
  'No local chain: anvil is not installed, and npm has no package of it for this platform. ' +
  'Install Foundry (https://getfoundry.sh) or name its folder with FOUNDRY_BIN. Until then answers are free.'

function ofPackage(resolve: AnvilPlaces['resolve'], file: string): string | undefined {
  try {
    return resolve(file)
  } catch {
    return undefined
  }
}
