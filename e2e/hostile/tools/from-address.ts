import { connect, createServer, type AddressInfo } from 'node:net'

/** An address of this machine's own network, of which it has 16 million: `n` of 65,536 in the block 127.1. */
export function hostileAddress(n: number): string {
  return `127.1.${(n >> 8) & 255}.${n & 255}`
}

/** The same, each in a block of its own, as far as limits count blocks. */
export function hostileBlock(n: number): string {
  return hostileAddress((n << 8) + 1)
}

/**
 * Has a libp2p node, which cannot choose where its sockets come from, dial a relay from that address: gives the multiaddr
 * to dial instead of the relay's own, and carries its bytes. Ends with the process.
 */
export async function dialledFrom(relay: string, localAddress: string): Promise<string> {
  const [, host = '', port = '', rest = ''] = /^\/ip4\/([\d.]+)\/tcp\/(\d+)(\/.*)$/.exec(relay) ?? []
  const server = createServer((near) => {
    const far = connect({ host, port: Number(port), localAddress })
    near.pipe(far).pipe(near)
    near.on('error', () => far.destroy()).on('close', () => far.destroy())
    far.on('error', () => near.destroy()).on('close', () => near.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.unref()
  return `/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}${rest}`
}
