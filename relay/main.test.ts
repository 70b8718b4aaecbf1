import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { temporaryFolder, until } from './testing/fixtures.ts'

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))
const MODELS = fileURLToPath(new URL('../web/public/models/', import.meta.url))
const children: ChildProcess[] = []
let folder: Awaited<ReturnType<typeof temporaryFolder>>

beforeEach(async () => {
  folder = await temporaryFolder()
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await folder.remove()
})

interface Run {
  readonly child: ChildProcess
  readonly ended: Promise<unknown[]>
  out: string
  err: string
}

function run(args: readonly string[], env: Record<string, string> = {}, uid?: number): Run {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, ...env },
    ...(uid === undefined ? {} : { uid }),
  })
  children.push(child)
  const seen: Run = { child, ended: once(child, 'close'), out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => (seen.out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (seen.err += chunk.toString()))
  return seen
}

const start = (...more: string[]): Run =>
  run(['--port', '0', '--host', '127.0.0.1', '--data-folder', folder.path, ...more])
const urlOf = async (relay: Run): Promise<string> => {
  await until('the address line', () => relay.out.includes('\n'))
  return /http:\S+/.exec(relay.out)?.[0] ?? ''
}

test('it prints one line with its address, works, and stops on SIGTERM with 0 within five seconds', async () => {
  const relay = start()
  const url = await urlOf(relay)
  expect((await fetch(new URL('health', url))).status).toBe(200)
  expect(relay.out).toMatch(
    /^Infernet relay at http:\/\/127\.0\.0\.1:\d+\/ \(join it with --peer \/ip4\/127\.0\.0\.1\/tcp\/\d+\/ws\/p2p\/12D3KooW\w+\)\n$/,
  )
  const socket = new WebSocket(url.replace('http', 'ws')) // open work must not hold it up
  await new Promise((resolve) => (socket.onopen = resolve))
  const startedAt = performance.now()
  relay.child.kill('SIGTERM')
  expect(await relay.ended).toEqual([0, null])
  expect(performance.now() - startedAt).toBeLessThan(5000)
  for (const line of relay.err.trim().split('\n')) expect(JSON.parse(line)).toMatchObject({ level: 'info' })
})

test('it is the same relay after a restart, also after it was killed', async () => {
  const names: unknown[] = []
  for (const signal of ['SIGKILL', 'SIGINT'] as const) {
    const relay = start()
    const health = (await (await fetch(new URL('health', await urlOf(relay)))).json()) as { peerId: string }
    names.push(health.peerId)
    relay.child.kill(signal)
    await relay.ended
  }
  expect(names[0]).toBe(names[1])
})

test('a wrong option ends with 2 and one line that names it', async () => {
  const relay = run([], { INFERNET_PORT: 'http' })
  expect(await relay.ended).toEqual([2, null])
  expect(relay.err).toBe('INFERNET_PORT: "http" must be a whole number from 0 to 65535. Default: 8080.\n')
})

test('a second relay on one data folder ends with 1 and says where the first one is, also while that one starts', async () => {
  const first = start()
  const second = start('--log-level', 'silent')
  await until('one of them to end', () => [first, second].some(({ child }) => child.exitCode !== null))
  const [winner, loser] = first.child.exitCode === null ? [first, second] : [second, first]
  const url = await urlOf(winner)
  expect(await loser.ended).toEqual([1, null])
  expect(loser.err).toContain(
    `The data folder ${folder.path} is in use by a relay (process ${winner.child.pid}`,
  )
  const third = start('--log-level', 'silent')
  expect(await third.ended).toEqual([1, null])
  expect(third.err).toBe(
    `The data folder ${folder.path} is in use by a relay (process ${winner.child.pid} at ${url}). Use that one, or stop it first. For a second relay, name a folder of its own with --data-folder.\n`,
  )
})

test.runIf(process.getuid?.() === 0)(
  'on a folder that cannot be written a relay keeps its name, and says what it cannot do',
  async () => {
    const first = start()
    await urlOf(first)
    const { peerId } = JSON.parse(first.err.split('\n')[0] ?? '') as { peerId: string }
    first.child.kill('SIGTERM')
    await first.ended
    const key = join(folder.path, 'identity.key')
    for (const [path, mode] of [
      [key, 0o644],
      [folder.path, 0o755],
    ] as const)
      await chmod(path, mode)
    // The first one may or may not have come so far as to make it.
    await rm(join(folder.path, 'cache'), { recursive: true, force: true })
    const nobody = run(['--port', '0', '--host', '127.0.0.1', '--data-folder', folder.path], {}, 65_534)
    await urlOf(nobody)
    await expect.poll(() => nobody.err).toContain('files could not be compressed')
    const said = nobody.err
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, string>)
    expect(said.find(({ msg }) => msg === 'relay started')).toMatchObject({ peerId })
    expect(said.filter(({ level }) => level === 'warn').map(({ msg }) => msg)).toEqual([
      `others may read ${key}, and closing it to them failed (EPERM: operation not permitted): chmod 600 it as its owner`,
      expect.stringMatching(/^the data folder \S+ cannot be locked \(.+\): start no second relay on it$/),
      'files could not be compressed',
    ])
  },
)

test('a port in use ends with 1 and the fix', async () => {
  const port = new URL(await urlOf(start())).port
  const second = run([
    '--port',
    port,
    '--host',
    '127.0.0.1',
    '--data-folder',
    join(folder.path, 'another'),
    '--log-level',
    'silent',
  ])
  expect(await second.ended).toEqual([1, null])
  expect(second.err).toBe(
    `Port ${port} on 127.0.0.1 is in use. Choose another with --port, or 0 for any free one.\n`,
  )
})

/** The package is optional: this start finds none, whether or not it is installed here. */
const WITHOUT_DAWN = `--import=data:text/javascript,${encodeURIComponent(`
import { registerHooks } from 'node:module'
registerHooks({
  resolve(name, context, next) {
    if (name !== 'webgpu') return next(name, context)
    throw Object.assign(new Error('none'), { code: 'ERR_MODULE_NOT_FOUND' })
  },
})`)}`

test.each([
  [
    ['--seed-backend', 'webgpu', '--models-folder', MODELS],
    1,
    'WebGPU is not available (the npm package webgpu is not installed). Run `npm install webgpu`, or use --seed-backend wasm.',
  ],
  [
    ['--models-folder', 'nowhere'],
    1,
    'The file manifest.fp32.json could not be loaded (not on this disk). Put the files of the model into the folder of --models-folder, or set --seed-provider off.',
  ],
  [
    ['--seed-model', 'gpt-5'],
    2,
    'The model is unknown. Name with --seed-model a model of the catalogue whose manifest the relay has.',
  ],
] as const)(
  'a seed provider that cannot start ends the relay with one line: %j',
  async (flags, status, line) => {
    const relay = run(
      ['--port', '0', '--host', '127.0.0.1', '--data-folder', folder.path, '--log-level', 'silent'].concat(
        '--seed-provider',
        'on',
        flags,
      ),
      { NODE_OPTIONS: WITHOUT_DAWN },
    )
    expect(await relay.ended).toEqual([status, null])
    expect(relay.err.split('\n')).toEqual([line, ''])
  },
)

test('--help and --version print and end', async () => {
  const help = run(['--help'])
  expect([await help.ended, help.out.includes('--max-reservations')]).toEqual([[0, null], true])
  const version = run(['--version'])
  expect([await version.ended, version.out]).toEqual([[0, null], expect.stringMatching(/^\d+\.\d+\.\d+\n$/)])
})
