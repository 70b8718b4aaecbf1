import { readFileSync } from 'node:fs'
import { BlockList, isIP } from 'node:net'
import * as v from 'valibot'
import { FileWatch } from '../base/file-watch.ts'
import { damagedJson, unread } from '../base/file-words.ts'
import { badOption } from '../base/start-error.ts'
import { systemCode } from '../base/system-reason.ts'
import { isNetwork } from './read-values.ts'

/** 100,000 addresses are 2 MB; a larger file is a mistake. */
const MAX_ENTRIES = 100_000

const PEER = /^[1-9A-HJ-NP-Za-km-z]{46,62}$/
const entry = v.pipe(
  v.string(),
  v.check((text) => isNetwork(text) || PEER.test(text)),
)
const entries = v.optional(v.pipe(v.array(entry), v.maxLength(MAX_ENTRIES)), [])
const schema = v.strictObject({
  /** Peers and subnets that are turned away. */
  deny: entries,
  /** With a subnet here only those come in; with a peer only those, too. */
  allow: entries,
  /** No new reservations and offers; what stands goes on. */
  maintenance: v.optional(v.boolean(), false),
  /** In place of --log-level. */
  logLevel: v.optional(v.picklist(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])),
})

/** What an operator changes while the relay runs. */
export class Control {
  readonly isInMaintenance: boolean
  readonly logLevel: string | undefined
  readonly #deny: Rules
  readonly #allow: Rules

  constructor({ deny, allow, maintenance, logLevel }: v.InferOutput<typeof schema>) {
    this.isInMaintenance = maintenance
    this.logLevel = logLevel
    this.#deny = new Rules(deny)
    this.#allow = new Rules(allow)
  }

  mayAddress(ip: string): boolean {
    return !this.#deny.hasAddress(ip) && (this.#allow.subnets === 0 || this.#allow.hasAddress(ip))
  }

  mayPeer(peer: string): boolean {
    return !this.#deny.peers.has(peer) && (this.#allow.peers.size === 0 || this.#allow.peers.has(peer))
  }
}

class Rules {
  readonly peers = new Set<string>()
  readonly #blocks = new BlockList()
  subnets = 0

  constructor(texts: readonly string[]) {
    for (const text of texts) {
      const [address = '', prefix] = text.split('/')
      const version = isIP(address)
      if (version === 0) {
        this.peers.add(text)
        continue
      }
      this.subnets++
      const bits = prefix === undefined ? (version === 4 ? 32 : 128) : Number(prefix)
      this.#blocks.addSubnet(address, bits, version === 4 ? 'ipv4' : 'ipv6')
    }
  }

  hasAddress(ip: string): boolean {
    const version = isIP(ip)
    return version !== 0 && this.#blocks.check(ip, version === 4 ? 'ipv4' : 'ipv6')
  }
}

export interface ControlFileInit {
  readonly onChange: (control: Control) => void
  /** Told of a file that cannot be taken; what was read before stays. */
  readonly onRefused: (words: string) => void
}

/** The file of `--control-file`, read again when it changes. One that is not there asks for nothing. */
export class ControlFile {
  readonly #path: string
  readonly #watch: FileWatch
  #current: Control
  #init: ControlFileInit | undefined

  /** @throws StartError when it is there and cannot be taken. */
  constructor(path: string) {
    this.#path = path
    this.#current = this.#read()
    this.#watch = new FileWatch(path, () => this.reload())
  }

  get current(): Control {
    return this.#current
  }

  listen(init: ControlFileInit): void {
    this.#init = init
  }

  reload(): void {
    if (this.#path === '') return
    try {
      this.#current = this.#read()
      this.#init?.onChange(this.#current)
    } catch (thrown) {
      this.#init?.onRefused(
        `${thrown instanceof Error ? thrown.message : String(thrown)} What was read before stays.`,
      )
    }
  }

  stop(): void {
    this.#watch.stop()
  }

  #read(): Control {
    if (this.#path === '') return new Control(v.parse(schema, {}))
    const refuse = (what: string, fix: string): Error => badOption('--control-file', what, fix)
    let text: string
    try {
      text = readFileSync(this.#path, 'utf8')
    } catch (thrown) {
      if (systemCode(thrown) === 'ENOENT') return new Control(v.parse(schema, {}))
      throw refuse(...unread(this.#path, thrown, ''))
    }
    let parsed: unknown
    try {
      parsed = JSON.parse(text)
    } catch (thrown) {
      throw refuse(`${this.#path}: ${damagedJson(text, thrown)}`, 'Check its commas and quotes.')
    }
    const read = v.safeParse(schema, parsed)
    if (read.success) return new Control(read.output)
    const place = v.getDotPath(read.issues[0]) ?? 'the whole'
    throw refuse(
      `${this.#path}: "${place}" is not what may stand there.`,
      'Write {"deny": ["203.0.113.0/24", "12D3KooW…"], "allow": [], "maintenance": false, "logLevel": "info"}, each of them or none.',
    )
  }
}
