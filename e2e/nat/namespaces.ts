import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
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

/** What the NATs of these tests are made with, and the Debian package that brings it. */
const TOOLS = { ip: 'iproute2', iptables: 'iptables', turnserver: 'coturn', openssl: 'openssl' } as const

/** Installs what is missing, where that may be done. Gives why there can be no NATs here, or undefined. */
export function reasonForNoNats(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are of Linux'
  if (process.getuid?.() !== 0) return 'only root makes network namespaces'
  for (const [tool, packageName] of Object.entries(TOOLS)) {
    if (!isThere(tool)) installQuietly(packageName)
    if (!isThere(tool)) return `${tool} is missing (Debian: apt-get install ${packageName})`
  }
  return reasonForNoNamespace()
}

/** What a package starts by itself, as coturn's does, was not asked for here. */
function installQuietly(packageName: string): void {
  installDebian(packageName)
  if (packageName === TOOLS.turnserver && existsSync('/run/systemd/system'))
    spawnSync('systemctl', ['disable', '--now', packageName], { stdio: 'ignore', timeout: COMMAND_LIMIT_MS })
}

function isThere(tool: string): boolean {
  return ENV.PATH.split(':').some((folder) => existsSync(`${folder}/${tool}`))
}

/** A container may be root and still make no namespace, or lack the kernel's NAT. */
function reasonForNoNamespace(): string | undefined {
  const tried = new Namespaces()
  try {
    tried.make('try').run('iptables', '-t', 'nat', '-S')
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
  spawn(command: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
    const args = ['netns', 'exec', this.name, ...command]
    return spawn('ip', args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...ENV, ...env } })
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
