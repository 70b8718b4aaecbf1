import type { Browser } from 'playwright'
import { fileURLToPath } from 'node:url'
import type { PeerName } from '#shared/base/ids.ts'
import { hasCode } from '#shared/errors/infernet-error.ts'
import type { Backend, Engine } from '#shared/engine/engine.ts'
import type { Manifest } from '#shared/models/manifest.ts'
import type { Provision } from '#shared/peer/peer.ts'
import { pricePerToken } from '#shared/testing/prices.ts'
import { createNodeEngine } from '../../relay/provide/node-engine.ts'
import { until } from '../../relay/testing/fixtures.ts'
import { launchBrowser } from '../fixtures/browser.ts'
import { openProvider } from '../fixtures/network.ts'
import { lavapipeChromium } from '../lavapipe/lavapipe-chromium.ts'
import { OWN_SOCKET, type TestNetwork, type TestPeerNode } from '../peers/test-network.ts'

/** A software GPU compiles for a minute or two before it is live. */
const LIVE_LIMIT_MS = 300_000

const MODEL = fileURLToPath(new URL('../../web/public/models/infernet-tiny/', import.meta.url))

/** Where whoever checks finds the others. */
export interface Ground {
  readonly network: TestNetwork
  readonly relay: string
  readonly manifest: Manifest
}

/** A browser whose WebGPU is the software adapter that there is, until the network ends. */
export async function openBrowser(network: TestNetwork, chromium: string | undefined): Promise<Browser> {
  const { executablePath, reason } =
    chromium === undefined ? lavapipeChromium() : { executablePath: chromium, reason: undefined }
  if (reason !== undefined) console.error(`WebGPU runs on Chromium's own software adapter: ${reason}`)
  const browser = await launchBrowser(executablePath === undefined ? {} : { executablePath })
  network.defer(() => browser.close())
  return browser
}

/** A tab that lends the model; whoever lends a model also checks. */
export async function openLenderTab(browser: Browser, relay: string, backend: Backend): Promise<void> {
  console.error(`A tab is loading the model on ${backend} ...`)
  await openProvider(browser, relay, { backend, timeout: LIVE_LIMIT_MS })
}

/**
 * A Node peer that lends the model on WebGPU, through Dawn. Where that cannot run it is on wasm in a thread of its own,
 * which is the same class as the provider's, and that is said.
 */
export async function openVerifierNode({ network, relay, manifest }: Ground): Promise<void> {
  const start = (backend: Backend): Promise<Engine> =>
    createNodeEngine({ manifest, modelFolder: MODEL, backend })
  console.error('A Node peer is loading the model on WebGPU ...')
  const engine = await start('webgpu').catch((thrown: unknown) => {
    if (!hasCode(thrown, 'engine.no-webgpu') && !hasCode(thrown, 'engine.no-adapter')) throw thrown
    console.error(
      'There is no WebGPU in Node here: the verifier is of the same class as the provider, on wasm.',
    )
    return start('wasm')
  })
  network.defer(() => engine.close())
  await lend(network, relay, engine)
}

/** Puts an engine behind a Node peer that lends it for nothing, until the network ends. */
export async function lend(network: TestNetwork, relay: string, engine: Engine): Promise<Provision> {
  return (await lendWith(network, relay, engine)).provision
}

/** Who lends, and what it lends. */
export interface Lender {
  readonly name: PeerName
  readonly who: TestPeerNode
  readonly provision: Provision
}

/** The same, with who lends it. */
export async function lendWith(network: TestNetwork, relay: string, engine: Engine): Promise<Lender> {
  const who = await network.node({ listen: [OWN_SOCKET], relays: [relay] })
  const { peer } = who
  const terms = { price: pricePerToken(1n, 10n), selfTest: { right: 1, total: 1 } }
  const provision = peer.provide(engine, terms)
  await untilOffered(provision)
  return { name: peer.name, who, provision }
}

/** Waits until a relay knows that it can be asked. */
export async function untilOffered(provision: Provision): Promise<void> {
  await until('the offer is accepted', () => provision.offerAcceptedAt !== undefined)
}
