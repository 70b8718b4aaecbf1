import { connect as connectTls } from 'node:tls'
import { Duplex } from 'node:stream'

/**
 * The first word of a TLS handshake, as Node says it: whoever hears it makes a key and signs. It may be sent any number of
 * times by somebody who keeps nothing of it and computes nothing more.
 */
export async function clientHello(host: string): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>()
  const wire = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _, done) => {
      resolve(chunk)
      done()
    },
  })
  const tls = connectTls({ socket: wire, servername: host }).on('error', () => undefined)
  const words = await promise
  tls.destroy()
  return words
}
