import { addBridge, addPort, Namespaces, plug, type Namespace } from './namespaces.ts'

/**
 * Addresses that count as public ones for browsers, libp2p and our own code; those kept for documentation do not. No
 * packet to them leaves the namespaces, which have no way out.
 */
export const RELAYS = ['11.0.0.1', '11.0.0.2'] as const
export const TURN_SERVER = '11.0.0.3'
const PUBLIC_BITS = 24

/**
 * What a router does with a household's packets.
 *
 * - `cone`: netfilter's MASQUERADE keeps the source port while it is free, whatever the destination: the mapping that a
 *   STUN server sees is the one that every peer sees (endpoint-independent mapping, RFC 4787). A packet from outside is let
 *   in only from an address and port that the household sent to before (address and port-dependent filtering), so both
 *   sides must punch: the "port restricted cone" that most homes have.
 * - `symmetric`: `--random-fully` draws a port for each destination, so nobody can be told the port that a peer will see.
 */
export type Nat = 'cone' | 'symmetric'

/** Public addresses on one bridge, and households behind routers of their own. */
export class Internet implements AsyncDisposable {
  readonly #namespaces = new Namespaces()
  readonly public: Namespace
  #routers = 0

  constructor() {
    try {
      this.public = this.#namespaces.make('public')
      addBridge(
        this.public,
        [...RELAYS, TURN_SERVER].map((address) => `${address}/${PUBLIC_BITS}`),
      )
    } catch (thrown) {
      this.#namespaces.remove()
      throw thrown
    }
  }

  addRouter(address: string, nat: Nat): Router {
    const number = ++this.#routers
    const router = this.#namespaces.make(`router${number}`)
    const port = `port${number}`
    plug([this.public, port], [router, 'wan'])
    addPort(this.public, port)
    return new Router(router, { address, nat, number })
  }

  addHousehold(name: string, router: Router): Household {
    return new Household(this.#namespaces.make(name), router)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#namespaces.end()
  }
}

interface RouterInit {
  readonly address: string
  readonly nat: Nat
  /** Of its private network, 192.168.NUMBER.0/24. */
  readonly number: number
}

export class Router {
  readonly namespace: Namespace
  readonly #network: string
  #address: string

  constructor(namespace: Namespace, { address, nat, number }: RouterInit) {
    this.namespace = namespace
    this.#network = `192.168.${number}`
    this.#address = address
    const { run } = namespace
    run('ip', 'address', 'add', `${address}/${PUBLIC_BITS}`, 'dev', 'wan')
    run('ip', 'link', 'set', 'wan', 'up')
    run('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward')
    const ports = nat === 'symmetric' ? ['--random-fully'] : []
    run('iptables', '-t', 'nat', '-A', 'POSTROUTING', '-o', 'wan', '-j', 'MASQUERADE', ...ports)
    // What nobody asked for is dropped, as a home router does. Were a peer's first packet let in here, netfilter would
    // note it as a flow of the router's own, and the household's packet to that peer, a moment later, would get another
    // port because this one looks taken: no hole could be punched through a cone.
    run('iptables', '-A', 'INPUT', '-i', 'wan', '-j', 'DROP')
    run('iptables', '-A', 'FORWARD', '-i', 'wan', '-m', 'conntrack', '--ctstate', 'NEW,INVALID', '-j', 'DROP')
  }

  get address(): string {
    return this.#address
  }

  /** As a firewall does it: without a word. */
  blockUdp(): void {
    this.namespace.run('iptables', '-I', 'FORWARD', '-p', 'udp', '-j', 'DROP')
  }

  /**
   * Another public address from now on, of which the household sees nothing. With the old address the kernel forgets all
   * that was masqueraded behind it; what the household sends on in its old connections comes from the new one.
   */
  changeAddress(address: string): void {
    const { run } = this.namespace
    run('ip', 'address', 'del', `${this.#address}/${PUBLIC_BITS}`, 'dev', 'wan')
    run('ip', 'address', 'add', `${address}/${PUBLIC_BITS}`, 'dev', 'wan')
    this.#address = address
  }

  /** Counts the bytes of UDP that come in from that address, from now on. */
  countUdpFrom(address: string): void {
    // A rule without a target only counts.
    this.namespace.run('iptables', '-I', 'FORWARD', '-i', 'wan', '-s', address, '-p', 'udp')
  }

  udpBytesFrom(address: string): number {
    const rules = this.namespace.run('iptables', '-nvxL', 'FORWARD').split('\n')
    const columns = rules.map((rule) => rule.trim().split(/\s+/)).find((row) => row.includes(address))
    if (!columns) throw new Error(`nobody counts what comes from ${address}`)
    return Number(columns[1])
  }

  /** Where its household is. */
  get gateway(): string {
    return `${this.#network}.1`
  }

  get place(): string {
    return `${this.#network}.2`
  }
}

/** A network of its own with one machine in it, at one router at a time. */
export class Household {
  readonly namespace: Namespace

  constructor(namespace: Namespace, router: Router) {
    this.namespace = namespace
    this.plugIn(router)
  }

  plugIn({ namespace, gateway, place }: Router): void {
    plug([namespace, 'lan'], [this.namespace, 'net'])
    namespace.run('ip', 'address', 'add', `${gateway}/24`, 'dev', 'lan')
    namespace.run('ip', 'link', 'set', 'lan', 'up')
    this.namespace.run('ip', 'address', 'add', `${place}/24`, 'dev', 'net')
    this.namespace.run('ip', 'link', 'set', 'net', 'up')
    this.namespace.run('ip', 'route', 'add', 'default', 'via', gateway)
  }

  /** @throws Error when no connection to that address comes up, though it should */
  reach(address: string): void {
    this.namespace.run('timeout', '5', 'bash', '-c', `exec 3<> /dev/tcp/${address}/443`)
  }

  /** No word to anybody: the cable is out, and with it address and routes. */
  unplug(): void {
    this.namespace.run('ip', 'link', 'del', 'net')
  }
}
