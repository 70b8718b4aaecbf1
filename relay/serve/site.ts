import { join } from 'node:path'
import type { Clock } from '#shared/base/clock.ts'
import type { NetworkInfo } from '#shared/mesh/network-info.ts'
import type { ServedCatalogue } from '../config/catalogue-file.ts'
import { readAddedModels } from '../config/added-models.ts'
import { addedFolderOf, modelsFolderOf } from '../config/models-folder.ts'
import type { RelayConfig } from '../config/options.ts'
import {
  CONNECTION_BURST_SECONDS,
  HTTP_PARALLEL_PER_ADDRESS,
  HTTP_RATE,
  MAX_PLAIN_SOCKETS,
  TLS_HANDSHAKE_RATE,
  TLS_SOCKET_RATE,
  TURN_LOOK_MS,
} from '../base/limits.ts'
import type { Logger } from '../observe/log.ts'
import type { RelayMetrics } from '../observe/metrics.ts'
import { AddressLimiter } from './address-limiter.ts'
import type { ChainPort } from './chain-port.ts'
import type { PublicationsPort } from './publications-route.ts'
import { Certificate } from './certificate.ts'
import { clientAddressFinder, type ClientAddress } from './client-address.ts'
import { encodeFiles } from './encode-files.ts'
import { FileIndex } from './file-index.ts'
import { HttpServer } from './http-server.ts'
import type { HealthInfo } from './network-info.ts'
import type { SeenHost } from './own-address.ts'
import { PlainSockets } from './plain-sockets.ts'
import { createRoutes } from './routes.ts'
import { Turns } from './turns.ts'
import { UpgradePipe } from './upgrade-pipe.ts'

export interface SiteComponents {
  readonly config: RelayConfig
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: RelayMetrics
  /** The port of libp2p's listener on loopback, once it is up. */
  readonly targetPort: () => number | undefined
  readonly health: () => HealthInfo
  readonly networkInfo: (seen: SeenHost) => NetworkInfo
  readonly chain: () => ChainPort | undefined
  /** Undefined before it was signed. */
  readonly catalogue: () => ServedCatalogue | undefined
  readonly publications: () => PublicationsPort | undefined
  /** False for an address that the operator turns away. */
  readonly mayAddress: (ip: string) => boolean
}

/** All that is on the public port: the page, the models, the answers for operators, and the pipe to libp2p. */
export class Site {
  readonly #components: SiteComponents
  readonly #server: HttpServer
  readonly #pipe: UpgradePipe
  readonly #certificate: Certificate | undefined
  readonly #page: FileIndex
  readonly #models: FileIndex
  /** What the operator added, as far as it may be handed on. */
  readonly #added: FileIndex
  readonly #stop = new AbortController()
  #encoding: Promise<void> = Promise.resolve()

  constructor(components: SiteComponents) {
    const { config, clock, log, metrics, targetPort } = components
    this.#components = components
    this.#page = new FileIndex(config.pageFolder, { skip: ['models'] })
    this.#models = new FileIndex(modelsFolderOf(config))
    const added = addedFolderOf(config)
    this.#added = new FileIndex(added, {
      only: () => new Set(readAddedModels(added).map(({ name }) => name)),
    })
    this.#certificate = config.tlsCert
      ? new Certificate({ cert: config.tlsCert, key: config.tlsKey }, log.child({ scope: 'tls' }))
      : undefined
    const certificate = this.#certificate
    if (certificate) metrics.watchCertificate(() => certificate.notAfterSeconds)
    const clientAddress = clientAddressFinder(config.trustProxy)
    const perSecond = config.connectionsPerIpPerSecond
    this.#pipe = new UpgradePipe({
      clock,
      limiter: new AddressLimiter(clock, {
        rate: { perSecond, burst: perSecond * CONNECTION_BURST_SECONDS },
        parallel: config.connectionsPerIp,
        total: config.maxConnections,
      }),
      clientAddress,
      targetPort,
      mayAddress: components.mayAddress,
      onAccepted: () => metrics.upgrades.inc({ result: 'accepted' }),
      onRefused: (result) => metrics.upgrades.inc({ result }),
      onCut: (reason) => metrics.socketsCut.inc({ reason }),
    })
    const limiter = new AddressLimiter(clock, { rate: HTTP_RATE, parallel: HTTP_PARALLEL_PER_ADDRESS })
    const routes = createRoutes({
      ...components,
      log: log.child({ scope: 'http' }),
      page: this.#page,
      models: this.#models,
      added: this.#added,
      limiter,
      clientAddress,
    })
    this.#server = new HttpServer(routes, this.#pipe, {
      host: config.host,
      port: config.port,
      sockets: new PlainSockets({
        clock,
        clientAddress,
        ...(this.#certificate && config.trustProxy === 0 && limitsOfTls(clock)),
        onCut: (reason) => metrics.socketsCut.inc({ reason }),
      }),
      certificate: this.#certificate,
    })
  }

  get port(): number {
    return this.#server.port
  }

  /** Where a browser on this machine opens the page. */
  get url(): string {
    return this.#server.url
  }

  get isSecure(): boolean {
    return this.#certificate !== undefined
  }

  /** Who is behind a connection that libp2p sees at 127.0.0.1 and this port. */
  clientBehind(port: number): ClientAddress | undefined {
    return this.#pipe.clientBehind(port)
  }

  /** Tells that libp2p knows who is behind that port. */
  markJoined(port: number): void {
    this.#pipe.markJoined(port)
  }

  reloadCertificate(): void {
    this.#certificate?.reload()
  }

  async start(): Promise<void> {
    await Promise.all([this.#page.scan(), this.#models.scan(), this.#added.scan()])
    await this.#server.listen()
    this.#encoding = this.#encode()
  }

  /** Takes no more requests; cuts what is left when the signal aborts. */
  async stop({ signal }: { signal: AbortSignal }): Promise<void> {
    this.#stop.abort()
    this.#certificate?.stop()
    const closed = this.#server.close({ signal })
    this.#pipe.close()
    await Promise.all([closed, this.#encoding])
  }

  async #encode(): Promise<void> {
    const { config, log } = this.#components
    const { signal } = this.#stop
    try {
      for (const [index, name] of [
        [this.#page, 'page'],
        [this.#models, 'models'],
      ] as const)
        await encodeFiles(index, join(config.dataFolder, 'cache', name), { signal })
    } catch (thrown) {
      // Without copies the files go out as they are: larger, never wrong.
      if (!signal.aborted) log.warn({ err: thrown }, 'files could not be compressed')
    }
  }
}

/** A handshake costs a millisecond before anything is asked. A proxy brings those of everybody, so it is not held to it. */
function limitsOfTls(clock: Clock): { readonly pace: AddressLimiter; readonly turns: Turns } {
  return {
    pace: new AddressLimiter(clock, { rate: TLS_SOCKET_RATE, parallel: Number.POSITIVE_INFINITY }),
    turns: new Turns(clock, { rate: TLS_HANDSHAKE_RATE, max: MAX_PLAIN_SOCKETS, lookMs: TURN_LOOK_MS }),
  }
}
