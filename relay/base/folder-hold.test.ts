import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { holderWords, holdFolder, type FolderHold } from './folder-hold.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'infernet-hold-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const held = (hold: FolderHold): FolderHold & { type: 'held' } => {
  if (hold.type !== 'held') throw new Error(hold.type)
  return hold
}

test('one holds a folder at a time, and who comes second learns who and where', () => {
  const first = held(holdFolder(folder))
  expect(holdFolder(folder)).toEqual({ type: 'taken', by: { pid: process.pid, host: hostname() } })
  first.tell('http://127.0.0.1:1/')
  const second = holdFolder(folder)
  expect(second.type === 'taken' && holderWords(second.by)).toBe(
    `process ${process.pid} at http://127.0.0.1:1/`,
  )
  first.release()
  held(holdFolder(folder)).release()
})

test('it ends with a process that was killed, whose number may be that of another program now', async () => {
  const module = new URL('folder-hold.ts', import.meta.url).href
  const script = `import { holdFolder } from '${module}'
    console.log(holdFolder(process.argv[1]).type)
    setInterval(() => undefined, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  expect(String((await once(child.stdout, 'data'))[0])).toBe('held\n')
  expect(holdFolder(folder)).toMatchObject({ type: 'taken', by: { pid: child.pid } })
  child.kill('SIGKILL')
  await once(child, 'exit')
  // As in a container, where the next one has the same number.
  writeFileSync(join(folder, 'in-use.json'), JSON.stringify({ pid: process.pid, host: hostname() }))
  held(holdFolder(folder)).release()
  expect(readdirSync(folder).sort()).toEqual(['in-use.json', 'in-use.lock'])
})

test('a lock file that something wrote into is taken all the same, and words of another shape are none', () => {
  writeFileSync(join(folder, 'in-use.lock'), 'x'.repeat(5000))
  const first = held(holdFolder(folder))
  for (const text of ['', '{', '[]', '{"pid":"1"}']) {
    writeFileSync(join(folder, 'in-use.json'), text)
    expect(holdFolder(folder)).toEqual({ type: 'taken', by: undefined })
  }
  first.release()
})

test('a holder on another machine is named with it', () => {
  expect(holderWords({ pid: 7, host: 'elsewhere', url: 'http://a/' })).toBe(
    'process 7 on elsewhere at http://a/',
  )
})

test('a folder that cannot be written is no failure of its own', () => {
  expect(holdFolder(join(folder, 'none'))).toMatchObject({ type: 'failed' })
})
