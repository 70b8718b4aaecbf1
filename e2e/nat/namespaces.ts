import { execFileSync, spawn, spawnSync, type ChildProcess, type StdioOptions } from 'node:child_process'
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { installDebian } from '../fixtures/install-debian.ts'

/** Ours, of this process and of those before it: `infernet-nat-PID-NAME`. */
const PREFIX = 'infernet-nat-'
/** Where an ordinary user's path does not look. */
const ENV = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` }
const IPV6_SWITCHES = '/proc/sys/net/ipv6/conf/all/disable_ipv6 /proc/sys/net/ipv6/conf/default/disable_ipv6'
const COMMAND_LIMIT_MS = 20_000
const END_LIMIT_MS = 5000

/** What is made with what, and the Debian package that brings it. */
const SHAPING_TOOLS = { ip: 'iproute2', tc: 'iproute2' } as const
const NAT_TOOLS = { ip: 'iproute2', iptables: 'iptables', turnserver: 'coturn', openssl: 'openssl' } as const

/** Installs what is missing, where that may be done. Gives why there can be no NATs here, or undefined. */
export function reasonForNoNats(): string | undefined {
  return reasonForNone(NAT_TOOLS, ({ run }) => void run('iptables', '-t', 'nat', '-S'))
}

/** As {@link reasonForNoNats}, of links whose speed is held. */
export function reasonForNoShaping(): string | undefined {
  return reasonForNone(SHAPING_TOOLS, (tried) => shape(tried, 'lo', 1e6))
}

/** Holds what goes out through an interface to a rate, with room for a tenth of a second of it. */
export function shape({ run }: Namespace, device: string, bitsPerSecond: number): void {
  const rate = ['rate', `${bitsPerSecond}bit`, 'burst', '32kb', 'latency', '100ms']
  run('tc', 'qdisc', 'add', 'dev', device, 'root', 'tbf', ...rate)
}

/** A cable between two namespaces; each end is named there, and neither is ever seen outside. */
export function plug(
  [one, end]: readonly [Namespace, string],
  [other, otherEnd]: readonly [Namespace, string],
): void {
  one.run('ip', 'link', 'add', end, 'type', 'veth', 'peer', 'name', otherEnd, 'netns', other.name)
}

/**
 * Without an address of its own a bridge has the lowest of its ports', and with a later port another one. Whoever knew the
 * old one then reaches nothing there for up to 30 s.
 */
const BRIDGE_MAC = '02:00:00:00:00:01'

/** A switch named `bridge`, with these addresses, each with its bits of the network. */
export function addBridge({ run }: Namespace, addresses: readonly string[]): void {
  run('ip', 'link', 'add', 'bridge', 'address', BRIDGE_MAC, 'type', 'bridge')
  for (const address of addresses) run('ip', 'address', 'add', address, 'dev', 'bridge')
  run('ip', 'link', 'set', 'bridge', 'up')
}

/** Puts a port of that name, which is plugged in, into the namespace's switch. */
export function addPort({ run }: Namespace, port: string): void {
  run('ip', 'link', 'set', port, 'master', 'bridge', 'up')
}

function reasonForNone(
  tools: Readonly<Record<string, string>>,
  tryIt: (tried: Namespace) => void,
): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are of Linux'
  if (process.getuid?.() !== 0) return 'only root makes network namespaces'
  for (const [tool, packageName] of Object.entries(tools)) {
    if (!isThere(tool)) installQuietly(packageName)
    if (!isThere(tool)) return `${tool} is missing (Debian: apt-get install ${packageName})`
  }
  return reasonForNoNamespace(tryIt)
}

/** What a package starts by itself, as coturn's does, was not asked for here. */
function installQuietly(packageName: string): void {
  installDebian(packageName)
  if (packageName === NAT_TOOLS.turnserver && existsSync('/run/systemd/system'))
    spawnSync('systemctl', ['disable', '--now', packageName], { stdio: 'ignore', timeout: COMMAND_LIMIT_MS })
}

function isThere(tool: string): boolean {
  return ENV.PATH.split(':').some((folder) => existsSync(`${folder}/${tool}`))
}

/** A container may be root and still make no namespace, or lack a part of the kernel. */
function reasonForNoNamespace(tryIt: (tried: Namespace) => void): string | undefined {
  const tried = new Namespaces()
  try {
    tryIt(tried.make('try'))
    return undefined
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown)
  } finally {
    tried.remove()
  }
}

/** One network of its own: interfaces, routes, packet filter and NAT that no other one sees. */
export class Namespace {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }

  /** @throws Error with what the command wrote, when it fails */
  readonly run = (...command: readonly string[]): string =>
    runHere('ip', 'netns', 'exec', this.name, ...command)

  /** A process that lives in this network; `ip` becomes it, so the child's id is its own. */
  spawn(
    command: readonly string[],
    env: NodeJS.ProcessEnv = {},
    stdio: StdioOptions = ['ignore', 'pipe', 'pipe'],
  ): ChildProcess {
    const args = ['netns', 'exec', this.name, ...command]
    return spawn('ip', args, { stdio, env: { ...ENV, ...env } })
  }

  get processes(): readonly number[] {
    return runHere('ip', 'netns', 'pids', this.name).split('\n').filter(Boolean).map(Number)
  }
}

/** The network namespaces of one test. All go with {@link remove}, with whatever still runs in them. */
export class Namespaces {
  readonly #made: Namespace[] = []

  constructor() {
    for (const stale of staleNames()) removeNamespace(new Namespace(stale))
  }

  make(name: string): Namespace {
    const made = new Namespace(`${PREFIX}${process.pid}-${name}`)
    runHere('ip', 'netns', 'add', made.name)
    this.#made.push(made)
    // An IPv6 address comes a second or two after its interface, and Chromium ends what it loads at each new address.
    made.run('sh', '-c', `for file in ${IPV6_SWITCHES}; do [ ! -e "$file" ] || echo 1 > "$file"; done`)
    made.run('ip', 'link', 'set', 'lo', 'up')
    return made
  }

  /** Waits a while for what was told to end, then ends it. */
  async end(): Promise<void> {
    const until = performance.now() + END_LIMIT_MS
    while (performance.now() < until && this.#made.some(({ processes }) => processes.length > 0))
      await sleep(50)
    this.remove()
  }

  remove(): void {
    for (const made of this.#made.splice(0).reverse()) removeNamespace(made)
  }
}

function removeNamespace(namespace: Namespace): void {
  for (const pid of namespace.processes) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // it ended meanwhile
    }
  }
  runHere('ip', 'netns', 'del', namespace.name)
}

/** Of runs that were killed before they could remove theirs. */
function staleNames(): readonly string[] {
  const names = runHere('ip', 'netns', 'list').split('\n')
  return names
    .map((line) => line.split(' ')[0] ?? '')
    .filter(
      (name) => name.startsWith(PREFIX) && !existsSync(`/proc/${name.slice(PREFIX.length).split('-')[0]}`),
    )
}

function runHere(command: string, ...args: readonly string[]): string {
  return execFileSync(command, args, {
    encoding: 'utf8',
    env: ENV,
    timeout: COMMAND_LIMIT_MS,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}
