import { createHash } from 'node:crypto'
import type { ModelHash } from '#shared/base/ids.ts'
import type { ModelChoice } from '#shared/client/model-choice.ts'
import { ModelLibrary } from '#shared/client/model-library.ts'
import type { ChatTokenizer } from '#shared/engine/tokenizer/chat-tokenizer.ts'
import type { CatalogueEntry, OriginReference } from '#shared/models/catalogue/entry.ts'
import type { Manifest } from '#shared/models/manifest.ts'
import { WRITING } from '#shared/models/task.ts'
import type { LocateModelFile } from '../config/models-folder.ts'
import { createFileSource } from '../provide/file-source.ts'

/** A model that lies on this relay's disk. */
export interface AuditedModel {
  readonly choice: ModelChoice
  readonly manifest: Manifest
  /** The folder of its files. */
  readonly modelFolder: string
  readonly tokenizer: () => Promise<ChatTokenizer>
}

/**
 * The models that can be asked and checked from here: those that write, of the relay's catalogue, whose files are on its
 * disk.
 *
 * @throws InfernetError `models.*` where there is none
 */
export async function readAuditedModels(
  catalogue: readonly CatalogueEntry[],
  locate: LocateModelFile,
): Promise<ReadonlyMap<ModelHash, AuditedModel>> {
  const folderOf = (origins: readonly OriginReference[]): string | undefined =>
    origins.map((origin) => (origin.kind === 'folder' ? locate(origin.url) : undefined)).find(Boolean)
  const library = new ModelLibrary({
    sources: (origins) => {
      const folder = folderOf(origins)
      return folder === undefined ? [] : [createFileSource(folder)]
    },
    digest: async (bytes) => Uint8Array.from(createHash('sha256').update(bytes).digest()).buffer,
  })
  const lists = [{ source: { kind: 'bundled' }, entries: catalogue }] as const
  const { choices } = await library.list({ lists, pinned: [], leftOut: [] })
  const models = choices
    .filter(({ task }) => task === WRITING)
    .flatMap((choice): (readonly [ModelHash, AuditedModel])[] => {
      const { manifest, origins } = library.get(choice.model)
      const modelFolder = folderOf(origins)
      if (modelFolder === undefined) return []
      const tokenizer = (): Promise<ChatTokenizer> => library.tokenizer(choice.model)
      return [[choice.model, { choice, manifest, modelFolder, tokenizer }]]
    })
  return new Map(models)
}
