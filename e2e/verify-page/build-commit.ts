import { spawnSync, type SpawnSyncOptions } from 'node:child_process'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT } from '../fixtures/root.ts'
import { RECORD } from './page-files.ts'

/** A page that was built of a commit, in a folder that goes with it. */
export interface BuiltCommit extends AsyncDisposable {
  /** Its whole name. */
  readonly commit: string
  /** The page. */
  readonly page: string
  /** What the commit says that its page's hash is; undefined where it says nothing. */
  readonly recorded: string | undefined
}

/** What decides which packages are installed. */
const PACKAGES = ['package-lock.json', 'patches']

/**
 * Builds the page of a commit in an empty folder. It takes the packages that are installed here where the commit names the
 * same ones, and installs its own elsewhere.
 *
 * @throws Error when there is no such commit, or it does not build
 */
export async function buildCommit(name: string): Promise<BuiltCommit> {
  const commit = run('git', ['rev-parse', '--verify', '--end-of-options', `${name}^{commit}`]).trim()
  await using cleanUp = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'infernet-page-'))
  cleanUp.defer(() => rm(folder, { recursive: true, force: true }))
  const archive = `${folder}.tar`
  cleanUp.defer(() => rm(archive, { force: true }))
  run('git', ['archive', '--output', archive, commit])
  run('tar', ['-xf', archive, '-C', folder])
  const isAsHere = run('git', ['diff', '--name-only', commit, '--', ...PACKAGES]).trim() === ''
  if (isAsHere) await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'dir')
  else run('npm', ['ci'], { cwd: folder })
  const env = { ...process.env, NODE_ENV: 'production' }
  run(process.execPath, ['node_modules/vite/bin/vite.js', 'build', '--logLevel', 'warn'], {
    cwd: folder,
    env,
  })
  const recorded = spawnSync('git', ['show', `${commit}:${RECORD}`], { cwd: ROOT, encoding: 'utf8' })
  const kept = cleanUp.move()
  return {
    commit,
    page: join(folder, 'web/dist'),
    recorded: recorded.status === 0 ? recorded.stdout.trim() : undefined,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

function run(command: string, args: readonly string[], options: SpawnSyncOptions = {}): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: ROOT, ...options, encoding: 'utf8' })
  if (status === 0) return stdout
  throw new Error(`${command} ${args.slice(0, 2).join(' ')} failed:\n${stderr || stdout}`)
}
