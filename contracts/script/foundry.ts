/** Where forge and anvil are on this machine: from npm, from a Foundry installation, or nowhere. */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'

export type FoundryTool = 'forge' | 'anvil'

/** npm has Foundry for this platform alone in the lock file: there it must be present. */
export const isFoundryInstalledByNpm = process.platform === 'linux' && process.arch === 'x64'

/** The path of a tool's binary, or undefined where there is none. */
export function findFoundry(tool: FoundryTool): string | undefined {
  const name = process.platform === 'win32' ? `${tool}.exe` : tool
  const folders = [
    process.env.FOUNDRY_BIN,
    join(homedir(), '.foundry', 'bin'),
    ...(process.env.PATH ?? '').split(delimiter),
  ]
  const candidates = folders.filter((folder) => folder).map((folder) => join(folder ?? '', name))
  return [fromPackage(tool, name), ...candidates].find((path) => path !== undefined && existsSync(path))
}

/** @throws Error that says where to get it. */
export function needFoundry(tool: FoundryTool): string {
  const path = findFoundry(tool)
  if (path === undefined)
    throw new Error(
      `There is no ${tool} here. npm brings it for Linux on x64 alone; elsewhere install Foundry ` +
        '(https://getfoundry.sh) or set FOUNDRY_BIN to the folder that has it.',
    )
  return path
}

function fromPackage(tool: FoundryTool, name: string): string | undefined {
  const arch = process.arch === 'x64' ? 'amd64' : process.arch
  const platform = `@foundry-rs/${tool}-${process.platform}-${arch}`
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${platform}/package.json`)), 'bin', name)
  } catch {
    return undefined
  }
}
