import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ModelHash } from '#shared/base/ids.ts'
import type { Place } from './links.ts'

/** What the process of `link-end.ts` is asked. */
export interface EndQuestion {
  readonly id: number
  readonly ask: 'sent' | 'others'
  readonly model?: ModelHash
}

/** The answer to 0, which nobody asked, is where it is. */
export interface EndAnswer {
  readonly id: number
  readonly answer: string | number
}

/** An origin or a seeder at the other end of a link, in a process of its own. */
export interface LinkEnd extends AsyncDisposable {
  /** An origin's URL, ending in a slash; a seeder's multiaddr. */
  readonly address: string
  /** Bytes of files, or of pieces, that it sent since its start. */
  sentBytes(): Promise<number>
  /** How many other seeders of a model the relay tells of. */
  countOthers(model: ModelHash): Promise<number>
}

export interface LinkEndInit {
  readonly as: 'origin' | 'seeder'
  /** With the files of the models, and their manifests by these names. */
  readonly folder: string
  readonly manifests: readonly string[]
  readonly relay?: string
  readonly capBytesPerSecond?: number | undefined
}

const CHILD = fileURLToPath(new URL('./link-end.ts', import.meta.url))

export async function startLinkEnd(place: Place, init: LinkEndInit): Promise<LinkEnd> {
  const { as, folder, manifests, relay = '', capBytesPerSecond } = init
  const flags = ['--as', as, '--folder', folder, '--host', place.host, '--relay', relay]
  const cap = capBytesPerSecond === undefined ? [] : ['--cap', String(capBytesPerSecond)]
  const names = manifests.flatMap((name) => ['--manifest', name])
  const child = place.spawn(
    [process.execPath, CHILD, ...flags, ...cap, ...names],
    ['ignore', 'ignore', 'inherit', 'ipc'],
  )
  const waiting = new Map<number, PromiseWithResolvers<string | number>>()
  const expect = (id: number): Promise<string | number> => {
    const one = Promise.withResolvers<string | number>()
    waiting.set(id, one)
    return one.promise
  }
  child.on('message', ({ id, answer }: EndAnswer) => waiting.get(id)?.resolve(answer))
  child.on('exit', (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`a ${as} ended with ${code}`))
  })
  let last = 0
  const ask = async (question: Omit<EndQuestion, 'id'>): Promise<number> => {
    const id = ++last
    const answer = expect(id)
    child.send({ ...question, id } satisfies EndQuestion)
    return Number(await answer)
  }
  const address = String(await expect(0))
  return {
    address,
    sentBytes: () => ask({ ask: 'sent' }),
    countOthers: (model) => ask({ ask: 'others', model }),
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.disconnect()
      await ended
    },
  }
}
