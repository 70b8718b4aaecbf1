import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { StartError } from '../base/start-error.ts'
import { helpText } from './describe-options.ts'
import { configWith, loadConfig, type ConfigSources } from './load-config.ts'
import { OPTION_KEYS, OPTIONS, type RelayConfig } from './options.ts'

function run(args: readonly string[], env: ConfigSources['env'] = {}, file?: unknown): RelayConfig {
  const readFile = (): string => (typeof file === 'string' ? file : JSON.stringify(file))
  const command = loadConfig({ args, env, readFile })
  if (command.type !== 'run') throw new Error(command.type)
  return command.config
}

function refusal(...given: Parameters<typeof run>): string {
  try {
    run(...given)
  } catch (thrown) {
    if (!(thrown instanceof StartError)) throw thrown
    expect(thrown.exitCode).toBe(2)
    return thrown.message
  }
  throw new Error('nothing was refused')
}

test('without anything given all defaults hold', () => {
  expect(run([])).toEqual(configWith({}))
  expect(run([])).toMatchObject({
    port: 8080,
    host: '0.0.0.0',
    peers: [],
    trustProxy: 0,
    iceServers: [],
    seedProvider: 'off',
  })
})

test('a flag wins over the environment, which wins over the file', () => {
  const env = { INFERNET_PORT: '2', INFERNET_HOST: 'b', INFERNET_LOG_LEVEL: '' }
  const file = { port: 3, host: 'c', dataFolder: 'd', logLevel: 'warn' }
  expect(run(['--config', 'x', '--port', '1'], env, file)).toMatchObject({
    port: 1,
    host: 'b',
    dataFolder: 'd',
    logLevel: 'warn',
  })
  expect(run([], { ...env, INFERNET_CONFIG: 'x' }, file)).toMatchObject({ port: 2, dataFolder: 'd' })
})

test('lists come from a repeated flag, from commas, or from a JSON list', () => {
  const [a, b] = ['/dns/a.example/tcp/443/tls/ws', '/ip4/192.0.2.1/tcp/8080/ws']
  expect(run(['--peer', a, '--peer', b]).peers).toEqual([a, b])
  expect(run([], { INFERNET_PEER: `${a}, ${b}` }).peers).toEqual([a, b])
  expect(run(['--config', 'x'], {}, { peers: [a, b] }).peers).toEqual([a, b])
})

test('an address may be a URL', () => {
  const peers = [
    'wss://relay.example',
    'https://relay.example:8443/',
    'http://192.0.2.1:8080',
    'ws://[2001:db8::1]',
  ]
  expect(run(peers.flatMap((peer) => ['--peer', peer])).peers).toEqual([
    '/dns/relay.example/tcp/443/tls/ws',
    '/dns/relay.example/tcp/8443/tls/ws',
    '/ip4/192.0.2.1/tcp/8080/ws',
    '/ip6/2001:db8::1/tcp/80/ws',
  ])
})

test('the path of an address is kept, and what cannot be kept is refused', () => {
  const announced = [
    'https://a.example/inf',
    'wss://a.example:8443/x/y/',
    'wss://a.example/inf/relay',
    'https://a.example/',
  ]
  expect(run(announced.flatMap((each) => ['--announce', each])).announce).toEqual([
    '/dns/a.example/tcp/443/tls/ws/http-path/inf%2Frelay',
    '/dns/a.example/tcp/8443/tls/ws/http-path/x%2Fy%2Frelay',
    '/dns/a.example/tcp/443/tls/ws/http-path/inf%2Frelay',
    '/dns/a.example/tcp/443/tls/ws',
  ])
  for (const url of [
    'https://a.example/?x=1',
    'https://a.example/#x',
    'https://me@a.example',
    'https://a.example/%20',
    `https://a.example/${'x'.repeat(64)}`,
  ])
    expect(refusal(['--announce', url])).toContain(
      'must be a URL without a query, a user or unusual characters in its path.',
    )
})

test('structured values come as JSON, in the file also as they are', () => {
  const iceServers = [
    { urls: 'stun:stun.example:3478' },
    { urls: ['turn:t.example'], username: 'u', credential: 'c' },
  ]
  expect(run(['--ice-servers', JSON.stringify(iceServers)]).iceServers).toEqual(iceServers)
  expect(run(['--config', 'x'], {}, { iceServers }).iceServers).toEqual(iceServers)
  expect(run(['--config', 'x'], {}, { iceServers: [] }).iceServers).toEqual([])
  expect(run(['--trust-proxy', '10.0.0.0/8, fd00::/8']).trustProxy).toEqual(['10.0.0.0/8', 'fd00::/8'])
  expect(run(['--config', 'x'], {}, { trustProxy: ['10.0.0.0/8'] }).trustProxy).toEqual(['10.0.0.0/8'])
  expect(run(['--trust-proxy', '2']).trustProxy).toBe(2)
})

test('a wrong value is refused with the name it was given under and the fix', () => {
  expect(refusal(['--port', 'abc'])).toMatchInlineSnapshot(
    `"--port: "abc" must be a whole number from 0 to 65535. Default: 8080."`,
  )
  expect(refusal([], { INFERNET_MAX_RESERVATIONS: '-1' })).toMatchInlineSnapshot(
    `"INFERNET_MAX_RESERVATIONS: "-1" must be a whole number from 0 to 100000. Default: 1024."`,
  )
  expect(refusal(['--config', 'x'], {}, { seedProvider: true })).toMatchInlineSnapshot(
    `""seedProvider" in the configuration file: "true" must be one of on, off. Default: off."`,
  )
  expect(refusal(['--peer', 'relay.example'])).toMatchInlineSnapshot(
    `"--peer: "relay.example" must be a URL such as wss://relay.example or an address such as /dns/relay.example/tcp/443/tls/ws. Default: empty."`,
  )
  expect(refusal(['--ice-servers', '[{"urls":"http://x"}]'])).toMatchInlineSnapshot(
    `"--ice-servers: "[{"urls":"http://x"}]" must be JSON such as [{"urls":"stun:stun.example:3478"}], with stun:, stuns:, turn: or turns: URLs; TURN needs username and credential. Default: []."`,
  )
  expect(refusal(['--ice-servers', '[{"urls":["turn:t.example"],"username":"u"}]'])).toMatch(
    /needs username and credential/,
  )
  expect(refusal(['--trust-proxy', '10.0.0.0/64'])).toMatchInlineSnapshot(
    `"--trust-proxy: "10.0.0.0/64" must be the number of proxies (0 to 9) or their networks, such as 10.0.0.0/8,fd00::/8. Default: 0."`,
  )
})

test('what is no option is refused', () => {
  expect(refusal(['--prot', '1'])).toMatchInlineSnapshot(
    `"Unknown option '--prot'. Run with --help for the list of options."`,
  )
  expect(refusal(['stray'])).toMatchInlineSnapshot(
    `"Unexpected argument 'stray'. Run with --help for the list of options."`,
  )
  expect(refusal(['--config', 'x'], {}, { prot: 1 })).toMatchInlineSnapshot(
    `""prot" in the configuration file: is not an option. Run with --help for the list."`,
  )
  expect(refusal(['--config', 'x'], {}, '{,}')).toMatchInlineSnapshot(
    `"--config: x: the file is damaged: it is no JSON (line 1). Check its commas and quotes."`,
  )
  expect(refusal(['--config', 'x'], {}, [])).toMatchInlineSnapshot(
    `"--config: the file must hold one object. Write {"port": 8080}."`,
  )
})

test('options that do not go together are refused', () => {
  expect(refusal(['--tls-cert', 'a'])).toMatchInlineSnapshot(
    `"--tls-cert and --tls-key: only one of them is given. Give both, or neither."`,
  )
  expect(refusal(['--max-connections', '5', '--max-reservations', '6'])).toMatchInlineSnapshot(
    `"--max-reservations: is above --max-connections. Each reservation needs a connection: raise the other."`,
  )
})

test('--help tells every option, --version ends before anything is read', () => {
  expect(loadConfig({ args: ['--help', '--port', 'x'], env: {} })).toEqual({ type: 'help' })
  expect(loadConfig({ args: ['--version'], env: {} })).toEqual({ type: 'version' })
  for (const key of OPTION_KEYS) expect(helpText()).toContain(`--${OPTIONS[key].flag} `)
})

test('a configuration file that is missing, shut, empty or damaged is told apart', () => {
  const folder = mkdtempSync(join(tmpdir(), 'infernet-config-'))
  const file = (name: string, text?: string): string => {
    const path = join(folder, name)
    if (text !== undefined) writeFileSync(path, text)
    return path
  }
  const words = (path: string): string => {
    try {
      loadConfig({ args: ['--config', path], env: {} })
      return 'taken'
    } catch (thrown) {
      return (thrown as Error).message.replaceAll(folder, '').replaceAll(path.slice(0, 80), path)
    }
  }
  expect([
    words(file('a', '{"port": 1}')),
    words(file('b')),
    words(folder),
    words(file('c', ' \n')),
    words(file('d', '{\n"port": 1,\n}')),
  ]).toMatchInlineSnapshot(`
    [
      "taken",
      "--config: there is no file /b. Check the path.",
      "--config: reading  failed (EISDIR: illegal operation on a directory). The file was not changed. Let this user read it.",
      "--config: /c: the file is empty. Check its commas and quotes.",
      "--config: /d: the file is damaged: it is no JSON (line 3). Check its commas and quotes.",
    ]
  `)
  rmSync(folder, { recursive: true })
})
