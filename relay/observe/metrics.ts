import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Counter, Gauge, Registry } from 'prom-client'
import type { CheckCount } from '#shared/verify/board/check-counts.ts'
import { OUTCOMES } from '#shared/verify/verdict.ts'
import { ClaimMetrics } from './claim-metrics.ts'

/** Answers the number at the time of the scrape. */
export type Count = () => number

/** What is read from the parts when somebody scrapes. */
export interface MetricSources {
  readonly peers: Count
  readonly connections: Count
  readonly reservations: Count
  readonly offers: Count
  readonly relays: Count
}

/** Why a reservation is refused. */
export const RESERVATION_REFUSALS = ['maintenance', 'denied-peer', 'full'] as const
export type ReservationRefusal = (typeof RESERVATION_REFUSALS)[number]

/** Why a socket is cut for the sake of others. @internal for the test of what refusals are called */
export const CUTS = [
  'crowded',
  'address-rate',
  'crowded-handshakes',
  'silent-handshake',
  'crowded-connections',
  'crowded-places',
] as const

/** The loop is looked at this often, in ms: 50 wake-ups a second are a fifth of what the usual 10 ms cost. */
const LAG_RESOLUTION_MS = 20

/** What is read of the chain; NaN while nothing is known. */
export interface ChainSources {
  readonly block: Count
  readonly headAgeSeconds: Count
  /** Vouchers that are kept for providers. */
  readonly claimsHeld: Count
  /** Operators of the stake contract in that state. */
  readonly operators: (state: 'active' | 'jailed') => number
}

/** What is read of the registers of records. */
export interface RecordSources {
  readonly golden: Count
  readonly verdicts: Count
  readonly lastDay: () => CheckCount
}

/** The numbers of `/metrics`, in a registry of their own so that two relays can live in one process. */
export class RelayMetrics {
  readonly #registry = new Registry()
  readonly #lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS })
  readonly relayedBytes = this.#counter(
    'infernet_relayed_bytes_total',
    'Bytes carried between two peers, without the introductions themselves.',
    [],
  )
  readonly relayedConnections = this.#counter(
    'infernet_relayed_connections_total',
    'Relayed connections asked for.',
    ['result'],
  )
  readonly reservationsFreed = this.#counter(
    'infernet_reservations_freed_total',
    'Reservations freed because their peer went.',
    [],
  )
  readonly reservationsRefused = this.#counter(
    'infernet_reservations_refused_total',
    'Reservations refused, by reason.',
    ['reason'],
  )
  readonly deadConnections = this.#counter(
    'infernet_dead_connections_total',
    'Connections that were closed because they answered no ping.',
    [],
  )
  readonly httpRequests = this.#counter('infernet_http_requests_total', 'HTTP requests answered.', [
    'route',
    'status',
  ])
  readonly upgrades = this.#counter(
    'infernet_websocket_upgrades_total',
    'WebSocket upgrades by result; anything but "accepted" was refused.',
    ['result'],
  )
  readonly socketsCut = this.#counter(
    'infernet_sockets_cut_total',
    'Sockets that were cut for the sake of others, by reason.',
    ['reason'],
  )
  readonly gossip = this.#counter('infernet_gossip_messages_total', 'Gossiped messages from other relays.', [
    'topic',
    'outcome',
  ])

  readonly rpcCalls = this.#counter(
    'infernet_rpc_calls_total',
    'What tabs asked of the chain through this relay.',
    ['method', 'result'],
  )
  readonly faucet = this.#counter('infernet_faucet_total', 'Requests for test money.', ['result'])

  readonly audits = this.#counter('infernet_audits_total', 'Probes of this relay, by what they came to.', [
    'result',
  ])

  readonly claims = new ClaimMetrics(this.#registry)

  constructor(sources: MetricSources) {
    this.#lag.enable()
    this.#gauge('infernet_peers', 'Peers with a connection.', sources.peers)
    this.#gauge('infernet_connections', 'Open connections.', sources.connections)
    this.#gauge(
      'infernet_reservations',
      'Peers that can be reached through this relay.',
      sources.reservations,
    )
    this.#gauge('infernet_offers', 'Live offers in the directory.', sources.offers)
    this.#gauge('infernet_relays', 'Other relays this one is connected to.', sources.relays)
    this.#lagGauge()
    this.#gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss())
    this.#gauge('nodejs_heap_size_used_bytes', 'Used JavaScript heap.', () => process.memoryUsage().heapUsed)
    this.#gauge(
      'process_start_time_seconds',
      'Start, in seconds since 1970.',
      () => Date.now() / 1000 - process.uptime(),
    )
    this.#cpuCounter()
  }

  /** What was built and what it was told: constant while it runs. */
  describe({ version, limits }: { version: string; limits: Readonly<Record<string, number>> }): void {
    new Gauge({
      name: 'infernet_build_info',
      help: 'Always 1; its labels tell what runs.',
      labelNames: ['version', 'node'],
      registers: [this.#registry],
    }).set({ version, node: process.version }, 1)
    const gauge = new Gauge({
      name: 'infernet_limit',
      help: 'Configured limits, by what they bound.',
      labelNames: ['of'],
      registers: [this.#registry],
    })
    for (const [of, limit] of Object.entries(limits)) gauge.set({ of }, limit)
    for (const reason of RESERVATION_REFUSALS) this.reservationsRefused.inc({ reason }, 0)
    for (const reason of CUTS) this.socketsCut.inc({ reason }, 0)
  }

  watchMaintenance(isOn: () => boolean): void {
    this.#gauge('infernet_maintenance', '1 while new reservations are refused.', () => (isOn() ? 1 : 0))
  }

  watchCertificate(notAfter: () => number): void {
    this.#gauge(
      'infernet_certificate_not_after_seconds',
      'End of the certificate, in seconds since 1970.',
      notAfter,
    )
  }

  /** NaN while the chain has not been asked. */
  watchBalances(accounts: Readonly<Record<string, Count>>): void {
    new Gauge({
      name: 'infernet_account_balance',
      help: 'Gas that an account has, in whole coins of the chain.',
      labelNames: ['account'],
      registers: [this.#registry],
      collect() {
        for (const [account, count] of Object.entries(accounts)) this.set({ account }, count())
      },
    })
  }

  /** Adds the numbers of the chain, where the relay is attached to one. */
  watchChain({ block, headAgeSeconds, claimsHeld, operators }: ChainSources): void {
    this.#gauge('infernet_operators_active', 'Operators with enough stake.', () => operators('active'))
    this.#gauge('infernet_operators_jailed', 'Operators that are jailed.', () => operators('jailed'))
    this.#gauge('infernet_claims_held', 'Vouchers that are kept for providers.', claimsHeld)
    this.#gauge('infernet_chain_block', 'The newest block that was seen.', block)
    this.#gauge('infernet_chain_head_age_seconds', 'Since that block was made.', headAgeSeconds)
  }

  /** Adds the numbers of golden records and verdicts. */
  watchRecords({ golden, verdicts, lastDay }: RecordSources): void {
    this.#gauge('infernet_golden_records', 'Golden records that are kept.', golden)
    this.#gauge('infernet_verdicts', 'Verdicts that are kept.', verdicts)
    new Gauge({
      name: 'infernet_checks_last_day',
      help: 'Checks that were told of within the last day, by what they came to, of verifiers with stake and without.',
      labelNames: ['outcome', 'staked'],
      registers: [this.#registry],
      collect() {
        const { all, staked } = lastDay()
        for (const outcome of OUTCOMES) {
          this.set({ outcome, staked: 'yes' }, staked[outcome])
          this.set({ outcome, staked: 'no' }, all[outcome] - staked[outcome])
        }
      },
    })
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** The Prometheus text. */
  async text(): Promise<string> {
    return this.#registry.metrics()
  }

  stop(): void {
    this.#lag.disable()
    this.#registry.clear()
  }

  #counter<Label extends string>(name: string, help: string, labelNames: readonly Label[]): Counter<Label> {
    return new Counter({ name, help, labelNames: [...labelNames], registers: [this.#registry] })
  }

  #gauge(name: string, help: string, count: Count): void {
    new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect() {
        this.set(count())
      },
    })
  }

  /** Read at each scrape: a counter only ever rises, as the time that was used does. */
  #cpuCounter(): void {
    new Counter({
      name: 'process_cpu_seconds_total',
      help: 'CPU time, user and system.',
      registers: [this.#registry],
      collect() {
        const { user, system } = process.cpuUsage()
        this.reset()
        this.inc((user + system) / 1e6)
      },
    })
  }

  /**
   * Since the last scrape, above the sampling interval itself. Not by a label `quantile`, which belongs to summaries: two
   * scrapers would each see a part, and what is added up over relays would mean nothing.
   */
  #lagGauge(): void {
    const lag = this.#lag
    const late = (ns: number): number => Math.max(0, ns / 1e9 - LAG_RESOLUTION_MS / 1000)
    new Gauge({
      name: 'infernet_event_loop_lag_seconds',
      help: 'How late the event loop ran since the last scrape: half of the time, one time in a hundred, and at most.',
      labelNames: ['of'],
      registers: [this.#registry],
      collect() {
        this.set({ of: 'p50' }, late(lag.percentile(50)))
        this.set({ of: 'p99' }, late(lag.percentile(99)))
        this.set({ of: 'max' }, late(lag.max))
        lag.reset()
      },
    })
  }
}
