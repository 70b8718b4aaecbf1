import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import type { Browser } from 'playwright'
import { launchBrowser } from '../../fixtures/browser.ts'
import { launchIn } from '../../nat/launch-in.ts'
import {
  addBridge,
  addPort,
  Namespaces,
  plug,
  reasonForNoShaping,
  shape,
  type Namespace,
} from '../../nat/namespaces.ts'

/** What each origin and each seeder may send. */
export const LINK_BITS_PER_SECOND = 20e6

/** A machine of the network. */
export interface Place {
  readonly host: string
  spawn(command: readonly string[], stdio: StdioOptions): ChildProcess
}

/** A visitor with its relay beside it, whose link has no bound, and others whose uploads have one. */
export interface Links extends AsyncDisposable {
  readonly shapedBy: 'tc tbf' | 'rate caps'
  /** What who sends must hold to by itself: where the links do not. */
  readonly capBytesPerSecond: number | undefined
  readonly visitor: Place
  /** As many as were asked for. */
  readonly others: readonly Place[]
  launchBrowser(folder: string): Promise<Browser>
  /** Bytes that crossed the others' links since their start, headers and all; undefined where nobody counts them. */
  crossedBytes(): number | undefined
}

/** Namespaces with shaped links where root may make them, else this machine alone and caps of our own. */
export function makeLinks(count: number): Links {
  const reason = reasonForNoShaping()
  if (!reason) return new ShapedLinks(count)
  console.error(`weights: uploads are held by our own rate caps, for there is no shaped link: ${reason}`)
  const here: Place = {
    host: '127.0.0.1',
    spawn: ([command = '', ...args], stdio) => spawn(command, args, { stdio }),
  }
  return {
    shapedBy: 'rate caps',
    capBytesPerSecond: LINK_BITS_PER_SECOND / 8,
    visitor: here,
    others: Array.from({ length: count }, () => here),
    launchBrowser: () => launchBrowser({ hasGpu: false }),
    crossedBytes: () => undefined,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

class ShapedLinks implements Links {
  readonly shapedBy = 'tc tbf'
  readonly capBytesPerSecond = undefined
  readonly visitor: Place
  readonly others: readonly Place[]
  readonly #namespaces = new Namespaces()
  readonly #visitor: Namespace
  readonly #links: Namespace[] = []

  constructor(count: number) {
    try {
      // The bridge that all are plugged into is the visitor's own.
      this.#visitor = this.#namespaces.make('visitor')
      addBridge(this.#visitor, [`${addressOf(0)}/24`])
      this.visitor = placeIn(this.#visitor, addressOf(0))
      this.others = Array.from({ length: count }, (_, i) => this.#add(i + 1))
    } catch (thrown) {
      this.#namespaces.remove()
      throw thrown
    }
  }

  launchBrowser(folder: string): Promise<Browser> {
    return launchIn(this.#visitor, folder)
  }

  crossedBytes(): number {
    const said = this.#links.map(({ run }) => run('tc', '-s', 'qdisc', 'show', 'dev', 'net'))
    return said.reduce((sum, text) => sum + sentIn(text), 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#namespaces.end()
  }

  #add(number: number): Place {
    const port = `port${number}`
    const namespace = this.#namespaces.make(`link${number}`)
    plug([this.#visitor, port], [namespace, 'net'])
    addPort(this.#visitor, port)
    namespace.run('ip', 'address', 'add', `${addressOf(number)}/24`, 'dev', 'net')
    namespace.run('ip', 'link', 'set', 'net', 'up')
    shape(namespace, 'net', LINK_BITS_PER_SECOND)
    this.#links.push(namespace)
    return placeIn(namespace, addressOf(number))
  }
}

/** What `tc -s qdisc show` says of one interface. @throws Error where it says nothing of bytes */
export function sentIn(text: string): number {
  const [, bytes] = /^qdisc tbf [^]*?\bSent (\d+) bytes/m.exec(text) ?? []
  if (bytes === undefined) throw new Error(`no link is counted: ${text}`)
  return Number(bytes)
}

/** Private ones: a node in Node gives out a public one only when others have confirmed it. */
function addressOf(number: number): string {
  return `10.83.41.${number + 1}`
}

function placeIn(namespace: Namespace, host: string): Place {
  return { host, spawn: (command, stdio) => namespace.spawn(command, {}, stdio) }
}
