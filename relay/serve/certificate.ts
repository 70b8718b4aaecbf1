import { createHash, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { MINUTE_MS } from '#shared/base/units.ts'
import type { Logger } from '../observe/log.ts'
import { StartError } from '../base/start-error.ts'
import { systemCode, systemReason } from '../base/system-reason.ts'

export interface CertificatePair {
  readonly cert: Buffer
  readonly key: Buffer
}

/** Renewals come by certbot and the like once in 60 days; a minute late is early enough and costs no watcher. */
const LOOK_MS = MINUTE_MS

/** The certificate files, read again when they change or when somebody asks for it (SIGHUP). */
export class Certificate {
  readonly #paths: { readonly cert: string; readonly key: string }
  readonly #log: Logger
  readonly #timer: NodeJS.Timeout
  #pair: CertificatePair
  #fingerprint: string
  #onChange: (pair: CertificatePair) => void = () => undefined

  /** @throws StartError when the files cannot be read or do not fit together. */
  constructor(paths: { readonly cert: string; readonly key: string }, log: Logger) {
    this.#paths = paths
    this.#log = log
    try {
      this.#pair = readPair(paths)
    } catch (cause) {
      const reason = systemCode(cause) === undefined ? 'they do not belong together' : systemReason(cause)
      throw new StartError(
        `The certificate ${paths.cert} with the key ${paths.key} cannot be used (${reason}).`,
        'Check --tls-cert and --tls-key: both are PEM files that belong together and that this user may read.',
        { cause },
      )
    }
    this.#fingerprint = fingerprint(this.#pair)
    this.#timer = setInterval(() => this.reload(), LOOK_MS).unref()
  }

  get current(): CertificatePair {
    return this.#pair
  }

  /** When it ends, in seconds since 1970. */
  get notAfterSeconds(): number {
    return Date.parse(new X509Certificate(this.#pair.cert).validTo) / 1000
  }

  onChange(callback: (pair: CertificatePair) => void): void {
    this.#onChange = callback
  }

  /** Takes the files in if they changed. Half-written ones are left for the next look. */
  reload(): void {
    try {
      const pair = readPair(this.#paths)
      if (fingerprint(pair) === this.#fingerprint) return
      this.#pair = pair
      this.#fingerprint = fingerprint(pair)
      this.#onChange(pair)
      this.#log.info('certificate renewed')
    } catch (thrown) {
      this.#log.warn({ err: thrown }, 'the changed certificate cannot be used yet, the old one stays')
    }
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}

function readPair({ cert, key }: { readonly cert: string; readonly key: string }): CertificatePair {
  const pair = { cert: readFileSync(cert), key: readFileSync(key) }
  createSecureContext(pair) // throws when the two do not belong together
  return pair
}

function fingerprint({ cert, key }: CertificatePair): string {
  return createHash('sha256').update(cert).update('\0').update(key).digest('hex')
}
