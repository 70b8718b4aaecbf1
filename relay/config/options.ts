import { MAX_PROBES_PER_HOUR, PROBES_PER_HOUR } from '#shared/verify/audit/constants.ts'
import {
  CONNECTIONS_PER_ADDRESS,
  CONNECTIONS_PER_ADDRESS_PER_SECOND,
  MAX_CONNECTIONS,
  MAX_RESERVATIONS,
  RELAYED_CONNECTION_BYTES,
  RELAYED_CONNECTION_MS,
} from '../base/limits.ts'
import {
  readAddress,
  readAmount,
  readChoice,
  readIceServers,
  readInteger,
  readList,
  readPeerId,
  readText,
  readTrustProxy,
  readWebAddress,
  type Read,
} from './read-values.ts'

/** One row of the table that parsing, `--help`, and the operator's page all come from. */
export interface Option<T = unknown> {
  readonly flag: string
  readonly env: string
  /** As text, so that a default takes the same way as anything given. */
  readonly defaultText: string
  readonly unit: string
  readonly meaning: string
  /** The flag may be given several times. */
  readonly isList?: boolean
  readonly read: Read<T>
}

function option<T>(
  flag: string,
  defaultText: string | number,
  unit: string,
  meaning: string,
  read: Read<T>,
  isList = false,
): Option<T> {
  const env = `INFERNET_${flag.toUpperCase().replaceAll('-', '_')}`
  return { flag, env, defaultText: String(defaultText), unit, meaning, read, isList }
}

/** Every option by its key, which is also its name in the configuration file. */
export const OPTIONS = {
  port: option('port', 8080, 'port', 'The one public port; 0 takes any free one.', readInteger(0, 65535)),
  host: option(
    'host',
    '0.0.0.0',
    'address',
    'Where to listen; `::` for IPv6 too, `127.0.0.1` behind a proxy.',
    readText,
  ),
  dataFolder: option(
    'data-folder',
    'data',
    'path',
    'Keeps the identity and the vouchers left here; back it up.',
    readText,
  ),
  pageFolder: option('page-folder', 'web/dist', 'path', 'The built page.', readText),
  modelsFolder: option(
    'models-folder',
    '',
    'path',
    'Model files, served under `/models/`; empty takes `models` in the page folder.',
    readText,
  ),
  catalogue: option(
    'catalogue',
    '',
    'path',
    'A JSON list of models that pages are told of, in place of the one that comes with Infernet. Read again when it changes.',
    readText,
  ),
  hub: option(
    'hub',
    '',
    'URL',
    'Where pages look models up by name, in place of https://huggingface.co: a mirror that speaks its API and lets other pages read it (CORS).',
    readWebAddress,
  ),
  peers: option(
    'peer',
    '',
    'URL or multiaddr',
    'Another relay to join; one is enough. May be repeated.',
    readList(readAddress),
    true,
  ),
  admit: option(
    'admit',
    '',
    'peer id',
    'A relay whose gossip counts like that of a `--peer`, whoever opened the connection. What other relays say has a small share of the directory, unless they have stake. May be repeated.',
    readList(readPeerId),
    true,
  ),
  announce: option(
    'announce',
    '',
    'URL or multiaddr',
    'Under which address others reach this relay; needed behind a proxy. May be repeated.',
    readList(readAddress),
    true,
  ),
  tlsCert: option(
    'tls-cert',
    '',
    'path',
    'Certificate chain (PEM) to speak https and wss itself. Read again when it changes.',
    readText,
  ),
  tlsKey: option('tls-key', '', 'path', 'Private key (PEM) of the certificate.', readText),
  trustProxy: option(
    'trust-proxy',
    0,
    'hops or networks',
    'Whose `X-Forwarded-For` to believe: how many proxies stand in front, or their networks.',
    readTrustProxy,
  ),
  controlFile: option(
    'control-file',
    '',
    'path',
    'A JSON file that is read again when it changes: `deny` and `allow` (peers, subnets), `maintenance`, `logLevel`.',
    readText,
  ),
  iceServers: option(
    'ice-servers',
    '[]',
    'JSON',
    'STUN and TURN servers that tabs are told to use.',
    readIceServers,
  ),
  maxReservations: option(
    'max-reservations',
    MAX_RESERVATIONS,
    'tabs',
    'Tabs that can be reached through this relay at once; 0.25 MB of memory each.',
    readInteger(0, 100_000),
  ),
  maxConnections: option(
    'max-connections',
    MAX_CONNECTIONS,
    'connections',
    'WebSocket connections at once.',
    readInteger(1, 100_000),
  ),
  connectionsPerIp: option(
    'connections-per-ip',
    CONNECTIONS_PER_ADDRESS,
    'connections',
    'The same from one address (IPv6: one /64).',
    readInteger(1, 100_000),
  ),
  connectionsPerIpPerSecond: option(
    'connections-per-ip-per-second',
    CONNECTIONS_PER_ADDRESS_PER_SECOND,
    '1/s',
    'New ones per second from one address.',
    readInteger(1, 100_000),
  ),
  relayDataLimitBytes: option(
    'relay-data-limit-bytes',
    RELAYED_CONNECTION_BYTES,
    'bytes',
    'What one relayed connection may carry.',
    readInteger(16_384, 1_073_741_824),
  ),
  relayDurationMs: option(
    'relay-duration-ms',
    RELAYED_CONNECTION_MS,
    'ms',
    'How long one relayed connection may live.',
    readInteger(10_000, 86_400_000),
  ),
  seedProvider: option(
    'seed-provider',
    'off',
    'on, off',
    'Answer prompts in this process too, so that the network is never empty; paid with `--relay-key-file`, else free.',
    readChoice('on', 'off'),
  ),
  seedModel: option(
    'seed-model',
    'infernet-tiny',
    'model ids',
    'What the seed provider runs, with a precision where wanted (`infernet-tiny:q4`). It keeps the first loaded, and loads another one when a prompt for it comes.',
    readList(readText),
  ),
  seedBackend: option(
    'seed-backend',
    'wasm',
    'wasm, webgpu',
    'What it runs on; `webgpu` needs the optional package `webgpu`.',
    readChoice('wasm', 'webgpu'),
  ),
  seedRate: option(
    'seed-rate',
    10,
    'MB/s',
    'How fast pieces of the models are passed on to peers, all together; 0 passes on none.',
    readInteger(0, 100_000),
  ),
  audit: option(
    'audit',
    'off',
    'on, off',
    'Probe providers of the models on this disk: ask them under fresh names what anybody might ask, check the answers here, and publish the verdicts.',
    readChoice('on', 'off'),
  ),
  auditBudget: option(
    'audit-budget',
    PROBES_PER_HOUR,
    'probes/h',
    'How many probes an hour, at most; each takes an answer and a pass over it.',
    readInteger(1, MAX_PROBES_PER_HOUR),
  ),
  auditPrompts: option(
    'audit-prompts',
    '',
    'path',
    'A file of prompts of your own for probes, one a line: what people really asked, and nobody else knows. Without it a provider that has learnt the public generator recognises most probes.',
    readText,
  ),
  auditKeyFile: option(
    'audit-key-file',
    '',
    'path',
    'A key (64 hexadecimal digits) whose money pays probes of providers that ask a price; empty: only those that work for nothing are probed.',
    readText,
  ),
  auditSpend: option(
    'audit-spend',
    0.1,
    'whole units/h',
    'What probes may cost in an hour, at most, in the asset that answers are paid in.',
    readAmount,
  ),
  networkFile: option(
    'network-file',
    '',
    'path',
    'The chain that is settled on, as the deploy script wrote it; empty: answers are free.',
    readText,
  ),
  faucetKeyFile: option(
    'faucet-key-file',
    '',
    'path',
    'A key (64 hexadecimal digits) whose test money `/faucet` gives away; only on test chains.',
    readText,
  ),
  relayKeyFile: option(
    'relay-key-file',
    '',
    'path',
    "The relay's own key on the chain: pays gas for carried claims, and is paid the relay's share and tips.",
    readText,
  ),
  carryClaims: option(
    'carry-claims',
    'on',
    'on, off',
    "Keep vouchers for providers that are not there and claim for them; needs the key above. The seed provider's own are claimed in any case.",
    readChoice('on', 'off'),
  ),
  carryWorth: option(
    'carry-worth',
    1,
    'whole units',
    'What a voucher must bring, in INF or the stablecoin, to be carried ahead of its time.',
    readAmount,
  ),
  carryEverySeconds: option(
    'carry-every-seconds',
    300,
    's',
    'How often claims are carried.',
    readInteger(1, 86_400),
  ),
  metrics: option(
    'metrics',
    'auto',
    'auto, off, local, public',
    'Who may read `/metrics`: nobody, who asks from a private address and through no proxy, everybody; `auto` is `local` where `--host` is loopback, else `off`.',
    readChoice('auto', 'off', 'local', 'public'),
  ),
  logLevel: option(
    'log-level',
    'info',
    'level',
    'One of fatal, error, warn, info, debug, trace, silent.',
    readChoice('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
  ),
} as const satisfies Record<string, Option>

export type OptionKey = keyof typeof OPTIONS

/** Everything the relay can be told, in one readonly object. */
export type RelayConfig = { readonly [Key in OptionKey]: ReturnType<(typeof OPTIONS)[Key]['read']> }

export const OPTION_KEYS = Object.keys(OPTIONS) as OptionKey[]
