import { expect, test } from 'vitest'
import { CODE_TABLE, type ErrorCode } from '#shared/errors/code-table.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import {
  MAX_PIECES_STREAMS,
  MAX_UPLOADS,
  OPENING_UPLOADS,
  ROTATE_MS,
} from '#shared/models/pieces/constants.ts'
import { UNASKED_RATE } from '#shared/schedule/constants.ts'
import {
  IDLE_FRAMES_RATE,
  MAX_JOBS_PER_CONSUMER,
  OPENING_JOBS,
  SILENCE_MS,
} from '#shared/stream/constants.ts'
import { OPENINGS_PLACES, OPENINGS_RATE } from '#shared/verify/openings/constants.ts'
import { OPENING_CHECKS } from '#shared/verify/service/constants.ts'
import { SILENT_OPENING_MS, type OpeningPlacesInit } from '#shared/wire/opening-places.ts'
import type { CUTS, RESERVATION_REFUSALS } from './observe/metrics.ts'
import type { UpgradeRefusal } from './serve/upgrade-pipe.ts'

type UpgradeResult = UpgradeRefusal | 'accepted'

/** By the names that a relay's operator meets in answers, logs and metrics. */
const OF_RELAY = ['schedule', 'verify', 'settle', 'chain', 'faucet', 'wire', 'mesh'] as const

const UPGRADES: Readonly<Record<UpgradeResult, string>> = {
  accepted: 'nothing was refused',
  'address-rate': 'too many new connections a second from one address: 429',
  'address-parallel': 'too many connections at once from one address: 429',
  total: 'the relay has as many connections as it may: 503',
  'table-full': 'too many addresses are being counted: 503',
  'not-ready': 'the relay starts or stops: 503',
  'not-websocket': 'no WebSocket handshake: 400',
  'denied-address': 'the control file turns this address away: 403',
}

const RESERVATIONS: Readonly<Record<(typeof RESERVATION_REFUSALS)[number], string>> = {
  maintenance: 'the control file says `maintenance`; places that stand are kept',
  'denied-peer': 'the control file turns this peer away',
  full: 'all `--max-reservations` places are taken, and its address, or the block of it, has most',
}

const CUT: Readonly<Record<(typeof CUTS)[number], string>> = {
  crowded: 'all `MAX_PLAIN_SOCKETS` places are taken, and its address, or the block of it, has most',
  'address-rate': 'its address opens more TLS sockets than `TLS_SOCKET_RATE`, and no proxy is trusted',
  'crowded-handshakes':
    'the same of the `MAX_PENDING_HANDSHAKES` places of WebSockets that have not joined, or of those that wait for their turn',
  'silent-handshake': 'a WebSocket that says nothing for `HANDSHAKE_SILENCE_MS` before it has joined',
  'crowded-connections': 'the same of the `--max-connections` places, for a newcomer whose block has less',
  'crowded-places': 'the same of the `--max-reservations` places',
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return ['<!-- prettier-ignore -->', line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

function codes(): string {
  const all = (Object.keys(CODE_TABLE) as ErrorCode[]).filter((code) =>
    OF_RELAY.some((home) => code.startsWith(`${home}.`)),
  )
  const rows = all.map((code) => {
    const error = new InfernetError(code, CODE_TABLE[code].example)
    return [`\`${code}\``, error.message.replaceAll('|', '\\|'), error.fix.replaceAll('|', '\\|')]
  })
  return table(['code', 'says', 'what to do'], rows)
}

/** What a stream between peers is refused for: the code, the bound, why it is so, and what whoever hears it should do. */
function streams(): string {
  const rate = ({ burst, perSecond }: { readonly burst: number; readonly perSecond: number }): string =>
    `${burst} at once and ${perSecond} a second`
  const shared = ({ total, perPeer, perConnection }: Omit<OpeningPlacesInit, 'busy'>): string =>
    `${total} in all, ${perPeer} of a peer, ${perConnection} of a connection`
  const rows: readonly (readonly [ErrorCode, string, string, string])[] = [
    [
      OPENING_JOBS.busy,
      `jobs whose first frame has not come: ${shared(OPENING_JOBS)}; while half of them are taken, none is silent for longer than ${SILENT_OPENING_MS} ms`,
      'a frame follows the opening by one round trip, so that who is silent only holds a place',
      'send the first frame with the opening; ask another provider, or again after a second',
    ],
    [
      'stream.busy',
      `${MAX_JOBS_PER_CONSUMER} jobs of one consumer, and the places of the model with its queue`,
      'each job holds memory of the engine',
      'ask another provider; the refusal says how many run and wait',
    ],
    [
      'stream.flooded',
      `frames of a job that bring nothing, as heartbeats and their echoes: ${rate(IDLE_FRAMES_RATE)}`,
      'a live side sends two in 2.5 s, reading one takes some 30 microseconds; the connection ends with it',
      'send one heartbeat at a time; ask another provider',
    ],
    [
      'stream.silent',
      `nothing comes for ${SILENCE_MS} ms`,
      'a frozen tab keeps its connection open for minutes',
      'answer heartbeats; go on at another provider',
    ],
    [
      OPENING_CHECKS.busy,
      `checks whose first frame has not come: ${shared(OPENING_CHECKS)}`,
      'as for jobs, and a transcript is large',
      'ask another verifier',
    ],
    [
      OPENINGS_PLACES.busy,
      `requests for openings until they are answered: ${shared(OPENINGS_PLACES)}; of one peer ${rate(OPENINGS_RATE)}`,
      'they cost the asker nothing',
      'ask again after two seconds',
    ],
    [
      OPENING_UPLOADS.busy,
      `downloads: ${MAX_UPLOADS} in all, ${MAX_PIECES_STREAMS} of a peer; beyond that, who asked for nothing for ${ROTATE_MS} ms, or has most streams, gives way`,
      'a stream holds a map and costs nothing to open; who is served keeps its own',
      'fetch elsewhere, and ask again after ten seconds',
    ],
    [
      'schedule.flooded',
      `what a relay sends its client that did not ask: ${rate(UNASKED_RATE)}`,
      'word of lost peers comes once for each list that was given; the relay is left alone for a minute',
      'a relay: send `gone` once for each `watch`; a client uses another relay meanwhile',
    ],
  ]
  const lines = rows.map(([code, bound, why, advice]) => [`\`${code}\``, bound, why, advice])
  return table(['code', 'bound', 'why', 'what to do'], lines)
}

test('the handbook lists every refusal of a relay by its name', async () => {
  const page = `# Refusals

What a relay refuses has a name. A peer is answered with the code, and says it in its own words; the numbers are in
\`/metrics\`. A test writes this page from the tables of the code.

## Reservations

\`infernet_reservations_refused_total{reason}\`. The peer itself learns only that it was refused.

${table(
  ['reason', 'means'],
  Object.entries(RESERVATIONS).map(([reason, means]) => [`\`${reason}\``, means]),
)}

## WebSocket upgrades

\`infernet_websocket_upgrades_total{result}\`.

${table(
  ['result', 'means'],
  Object.entries(UPGRADES).map(([result, means]) => [`\`${result}\``, means]),
)}

## Sockets

\`infernet_sockets_cut_total{reason}\`. The other side sees its socket end.

${table(
  ['reason', 'means'],
  Object.entries(CUT).map(([reason, means]) => [`\`${reason}\``, means]),
)}

## HTTP

${table(
  ['status', 'means'],
  [
    ['400', 'a request that cannot be read, or a \`Host\` that is none while nothing is announced'],
    [
      '403',
      'the control file turns this address away, or another site asks for \`/rpc\` or \`/faucet\`, or a page under a name that is not announced',
    ],
    ['404', 'nothing is there, or \`/metrics\` is not for this address'],
    ['405', 'the path takes another method; \`Allow\` names it'],
    ['413', 'a body that is too large, or where none is taken'],
    ['429', 'more requests from one address than \`HTTP_RATE\`; \`Retry-After\` says when'],
    ['503', '\`/health\` while the relay starts, stops or is in maintenance'],
  ],
)}

## Streams between peers

Told in one frame before the stream ends, where it can take one.

${streams()}

## Codes

${codes()}
`
  await expect(page).toMatchFileSnapshot('../docs/refusals.md')
})
