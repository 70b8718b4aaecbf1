import { errorToMessage } from '#shared/errors/error-message.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { ManifestFile } from '#shared/models/manifest.ts'
import type { FileStore } from '#shared/models/store/file-store.ts'
import type { WeightsHostPort, WeightsQuestion, WeightsRequest, WeightsTable } from './weights-messages.ts'

type Handlers = {
  [Name in WeightsQuestion]: (body: WeightsTable[Name]['in']) => Promise<WeightsTable[Name]['out']>
}

/** The worker's side of {@link WeightsTable}: answers each question from one store. */
export function createWeightsHost(
  port: WeightsHostPort,
  openStore: () => Promise<FileStore | undefined>,
): void {
  const files = new Map<number, ManifestFile>()
  let opening: Promise<FileStore | undefined> | undefined
  const open = (): Promise<FileStore | undefined> => (opening ??= openStore())

  async function store(): Promise<FileStore> {
    const opened = await open()
    if (!opened) throw new InfernetError('internal', { reason: 'nothing is kept here' })
    return opened
  }

  function fileOf(number: number): ManifestFile {
    const file = files.get(number)
    if (!file) throw new InfernetError('internal', { reason: 'a file that was not told' })
    return file
  }

  const handlers: Handlers = {
    open: async () => (await open()) !== undefined,
    async know({ number, file }) {
      files.set(number, file)
      return undefined
    },
    held: async ({ number }) => (await (await store()).held(fileOf(number))).toBytes(),
    async put({ number, piece, bytes }) {
      const own = await store()
      return { outcome: await own.put(fileOf(number), piece, bytes), fullReason: own.fullReason }
    },
    read: async ({ number, piece }) => (await store()).read(fileOf(number), piece),
    async remove(file) {
      await (await store()).remove(file)
      return undefined
    },
    list: async () => (await store()).list(),
  }

  async function answer({ id, name, body: asked }: WeightsRequest): Promise<void> {
    try {
      const handle = handlers[name] as (body: unknown) => Promise<WeightsTable[WeightsQuestion]['out']>
      const body = await handle(asked)
      port.postMessage({ id, body }, body instanceof Uint8Array ? [body.buffer] : [])
    } catch (thrown) {
      port.postMessage({ id, error: errorToMessage(thrown) }, [])
    }
  }

  port.onMessage((message) => void answer(message))
}
