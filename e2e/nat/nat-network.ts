import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser } from 'playwright'
import { buildPage } from '../fixtures/build-page.ts'
import { endOf, readStart } from '../fixtures/relay-process.ts'
import { ICE_SERVERS, startCoturn } from './coturn.ts'
import { Internet, RELAYS, type Household, type Nat, type Router } from './internet.ts'
import { launchIn } from './launch-in.ts'

const MAIN = fileURLToPath(new URL('../../relay/main.ts', import.meta.url))

export interface NatNetworkInit {
  /** Of both households' routers. */
  readonly nat: Nat
  /** How many relays there are; the page comes from the first. @default 1 */
  readonly relays?: 1 | 2
  /** Whether the routers let no UDP through. @default false */
  readonly isUdpBlocked?: boolean
}

/** A household with a browser in it. */
export interface Home {
  readonly household: Household
  readonly router: Router
  readonly browser: Browser
}

/** Relays and coturn on public addresses; a household that provides and one that asks, each behind its NAT. */
export interface NatNetwork extends AsyncDisposable {
  readonly internet: Internet
  /** Where the page is, at each relay. */
  readonly urls: readonly [string, ...string[]]
  readonly provider: Home
  readonly asker: Home
}

export async function startNatNetwork(init: NatNetworkInit): Promise<NatNetwork> {
  buildPage({ quiet: true })
  await using started = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'infernet-nat-'))
  started.defer(() => rmSync(folder, { recursive: true, force: true }))
  const internet = started.use(new Internet())
  started.use(await startCoturn(internet.public, folder))
  const certificate = makeCertificate(folder)
  const [first, ...others] = RELAYS.slice(0, init.relays ?? 1)
  const relay = await startRelay(internet, folder, certificate, first ?? '', [])
  started.defer(relay.stop)
  const urls: [string, ...string[]] = [relay.url]
  for (const host of others) {
    const other = await startRelay(internet, folder, certificate, host, ['--peer', relay.address])
    started.defer(other.stop)
    urls.push(other.url)
  }
  const openHome = async (name: string, at: string): Promise<Home> => {
    const router = internet.addRouter(at, init.nat)
    if (init.isUdpBlocked) router.blockUdp()
    const household = internet.addHousehold(name, router)
    const browser = await launchIn(household.namespace, folder, ['--ignore-certificate-errors'])
    started.defer(() => browser.close())
    return { household, router, browser }
  }
  const provider = await openHome('provider', '11.0.0.11')
  const asker = await openHome('asker', '11.0.0.12')
  const all = started.move()
  return { internet, urls, provider, asker, [Symbol.asyncDispose]: () => all.disposeAsync() }
}

interface Certificate {
  readonly cert: string
  readonly key: string
}

/** The relay as an operator runs it on a bare public address: https by itself, for a page from afar must be secure. */
async function startRelay(
  { public: namespace }: Internet,
  folder: string,
  { cert, key }: Certificate,
  host: string,
  more: readonly string[],
): Promise<{ url: string; address: string; stop: () => Promise<void> }> {
  const place = ['--host', host, '--port', '443', '--tls-cert', cert, '--tls-key', key]
  const rest = ['--data-folder', join(folder, host), '--log-level', 'warn', '--metrics', 'public']
  const ice = ['--ice-servers', JSON.stringify(ICE_SERVERS)]
  mkdirSync(join(folder, host))
  const command = [process.execPath, MAIN, ...place, ...rest, ...ice, ...more]
  const child = namespace.spawn(command, { NODE_EXTRA_CA_CERTS: cert })
  const stop = (): Promise<void> => endOf(child)
  try {
    return { ...(await readStart(child)), stop }
  } catch (thrown) {
    await stop()
    throw thrown
  }
}

/** For the relays' addresses. They trust it among themselves; the browsers take any. */
function makeCertificate(folder: string): Certificate {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const names = `subjectAltName=${RELAYS.map((address) => `IP:${address}`).join(',')}`
  const kind = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const rest = ['-days', '2', '-subj', '/CN=relay', '-addext', names, '-keyout', key, '-out', cert]
  execFileSync('openssl', [...kind, ...rest], { stdio: 'pipe', timeout: 20_000 })
  return { cert, key }
}
