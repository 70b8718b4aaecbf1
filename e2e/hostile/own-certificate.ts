import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { selfSigned } from '../../relay/testing/self-signed.ts'

export interface OwnCertificate {
  /** For a relay that is to speak TLS with it. */
  readonly relayArgs: readonly string[]
  /** For whoever is to trust it as a browser trusts a public one. */
  readonly env: Readonly<Record<string, string>>
}

/** A certificate for this machine, written into that folder. */
export async function certificateIn(folder: string): Promise<OwnCertificate> {
  const { cert, key } = selfSigned()
  const [certPath, keyPath] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  await writeFile(certPath, cert)
  await writeFile(keyPath, key, { mode: 0o600 })
  return {
    relayArgs: ['--tls-cert', certPath, '--tls-key', keyPath],
    env: { NODE_EXTRA_CA_CERTS: certPath },
  }
}
