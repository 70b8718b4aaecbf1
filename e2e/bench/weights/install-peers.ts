import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const HERE = fileURLToPath(new URL('../peers', import.meta.url))
const CACHE = fileURLToPath(new URL('../../../node_modules/.cache', import.meta.url))

/**
 * Installs what benchmarks run beside ours, once for each change of its list, and tells where it lies. No script of it
 * runs: its native parts are for Node, and we drive its builds for browsers.
 */
export function installPeers(): string {
  const lock = readFileSync(join(HERE, 'package-lock.json'))
  const folder = join(CACHE, `bench-peers-${createHash('sha256').update(lock).digest('hex').slice(0, 12)}`)
  if (existsSync(join(folder, 'node_modules/.package-lock.json'))) return folder
  console.error('Installing what is measured beside ours ...')
  mkdirSync(folder, { recursive: true })
  for (const name of ['package.json', 'package-lock.json']) cpSync(join(HERE, name), join(folder, name))
  const args = ['ci', '--ignore-scripts', '--omit=optional', '--no-audit', '--no-fund']
  const { status, stderr } = spawnSync('npm', args, { cwd: folder, encoding: 'utf8' })
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed:\n${stderr}`)
  return folder
}
