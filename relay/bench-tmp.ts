import { createLibp2p } from 'libp2p'
import { webSockets } from '@libp2p/websockets'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { noise } from '@libp2p/noise'
import { yamux } from '@libp2p/yamux'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { spawn } from 'node:child_process'
const N = Number(process.argv[2] ?? 500)
const monitor = process.argv[3] ?? 'off'
const port = 7210
const relay = spawn(
  process.execPath,
  [
    'relay/main.ts',
    '--port',
    String(port),
    '--host',
    '127.0.0.1',
    '--data-folder',
    '/tmp/bench/data',
    '--connections-per-ip',
    '5000',
    '--connections-per-ip-per-second',
    '5000',
    '--max-connections',
    '5000',
    '--max-reservations',
    '5000',
  ],
  { stdio: ['ignore', 'inherit', 'inherit'] },
)
await new Promise((r) => setTimeout(r, 3000))
const info = (await (await fetch(`http://127.0.0.1:${port}/network.json`)).json()) as any
const stat = async () => {
  const t = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const g = (re: RegExp) => Number(re.exec(t)?.[1])
  return {
    cpu: g(/^process_cpu_seconds_total (\S+)/m),
    rss: g(/^process_resident_memory_bytes (\S+)/m) / 1e6,
    heap: g(/^nodejs_heap_size_used_bytes (\S+)/m) / 1e6,
    res: g(/^infernet_reservations (\S+)/m),
    p99: g(/lag_seconds\{quantile="0.99"\} (\S+)/m),
    max: g(/lag_seconds\{quantile="1"\} (\S+)/m),
  }
}
const s0 = await stat()
console.log('start', s0)
await new Promise((r) => setTimeout(r, 10000))
const s00 = await stat()
console.log('idle0 %', (s00.cpu - s0.cpu) * 10)
const nodes: any[] = []
const t0 = performance.now()
for (let i = 0; i < N; i += 5) {
  nodes.push(
    ...(await Promise.all(
      [...Array(5)].map(() =>
        createLibp2p({
          addresses: { listen: [info.relays[0] + '/p2p-circuit'] },
          transports: [webSockets(), circuitRelayTransport({ reservationConcurrency: 8 })],
          connectionEncrypters: [noise()],
          streamMuxers: [yamux()],
          connectionMonitor: monitor === 'off' ? { enabled: false } : { pingInterval: Number(monitor) },
          services: { identify: identify(), ping: ping() },
        }),
      ),
    )),
  )
}
const s1 = await stat()
console.log(
  'joined',
  N,
  ((performance.now() - t0) / 1000).toFixed(1) + 's',
  s1,
  'cpu/join ms',
  ((s1.cpu - s00.cpu) * 1000) / N,
)
await new Promise((r) => setTimeout(r, 5000))
await stat()
for (let k = 0; k < 2; k++) {
  const a = await stat()
  await new Promise((r) => setTimeout(r, 60000))
  const b = await stat()
  console.log('idle % of core', (((b.cpu - a.cpu) / 60) * 100).toFixed(2), b)
}
await Promise.all(nodes.map((n) => n.stop()))
await new Promise((r) => setTimeout(r, 4000))
console.log('after leave', await stat())
relay.kill('SIGTERM')
setTimeout(() => process.exit(0), 3000)
