import { spawnSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startRelayProcess } from '../fixtures/relay-process.ts'
import { ROOT } from '../fixtures/root.ts'
import { buildCommit } from './build-commit.ts'
import { pageFiles } from './page-files.ts'

it('builds the same bytes of one commit in two empty folders, and finds one changed byte at a relay', async () => {
  await using first = await buildCommit('HEAD')
  await using second = await buildCommit(first.commit)
  const files = await pageFiles(first.page)
  expect(files.length).toBeGreaterThan(50)
  expect(await pageFiles(second.page)).toEqual(files)

  const relay = await startRelayProcess({ args: ['--seed-provider', 'off', '--page-folder', second.page] })
  try {
    const args = ['e2e/run/verify-page.ts', relay.url, '--commit', first.commit]
    const verify = () => spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' })
    const same = verify()
    expect(same.stdout).toContain('byte for byte')
    expect(same.status).toBe(0)
    const changed = files.find(({ path }) => /^assets\/index-.*\.js$/.test(path))?.path ?? ''
    const bytes = await readFile(join(second.page, changed))
    bytes[1000] = (bytes[1000] ?? 0) ^ 1
    await writeFile(join(second.page, changed), bytes)
    const other = verify()
    expect(other.stdout).toContain(`${changed} has other bytes`)
    expect(other.status).toBe(1)
  } finally {
    await relay.stop()
  }
})
