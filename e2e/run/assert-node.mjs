// Runs on whatever Node the PATH has, before any dependency is there: so plain JavaScript and no imports of ours.
// libp2p 3 does not start below Node 24 (Promise.withResolvers), so npm installs its own Node as a dev dependency.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const local = fileURLToPath(new URL('../../node_modules/.bin/node', import.meta.url))
const installed =
  existsSync(local) && existsSync(new URL('../../node_modules/.package-lock.json', import.meta.url))

if (!installed && process.argv.includes('--install')) {
  console.error('First run: installing the packages (npm ci) ...')
  const { status } = spawnSync('npm', ['ci'], { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
} else if (!installed) {
  console.error('The packages are missing. Run: npm ci')
  process.exit(1)
}
const { stdout } = spawnSync(local, ['--version'], { encoding: 'utf8' })
const major = Number(/^v(\d+)/.exec(stdout ?? '')?.[1] ?? 0)
if (major < 24) {
  console.error(
    `Infernet needs Node 24 or newer, and npm's own copy is ${stdout?.trim() || 'missing'}. ` +
      'Run `npm ci` again, without --ignore-scripts: its install step is what puts Node 24 in place.',
  )
  process.exit(1)
}
