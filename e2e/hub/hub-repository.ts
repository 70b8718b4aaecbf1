import { createHash } from 'node:crypto'
import type { Dtype } from '#shared/models/manifest.ts'
import type { FamilyModel } from '#shared/model-kit/families/families.ts'
import { makeFamilyModel } from '#shared/model-kit/families/make-family.ts'

/** A repository as a hub holds it. */
export interface HubRepository {
  /** `owner/name`. */
  readonly name: string
  /** 40 hex digits that follow from the files. */
  readonly commit: string
  readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>
  readonly card: Readonly<Record<string, unknown>>
  readonly gated: false | 'auto' | 'manual'
}

export interface HubRepositoryInit extends Pick<HubRepository, 'name'> {
  readonly model: FamilyModel
  readonly dtypes: readonly Dtype[]
  /** @default Apache 2.0 */
  readonly card?: HubRepository['card']
  /** @default false */
  readonly gated?: HubRepository['gated']
  /** Files beside those of the model, or in their place; undefined leaves one out. */
  readonly changed?: Readonly<Record<string, string | Uint8Array<ArrayBuffer> | undefined>>
}

/** A repository with a small model of the kit. */
export async function makeHubRepository(init: HubRepositoryInit): Promise<HubRepository> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>()
  for (const dtype of init.dtypes) {
    const made = makeFamilyModel(init.model, dtype)
    for (const path of made.files.paths) files.set(path, await made.files.read(path))
  }
  files.set('README.md', new TextEncoder().encode(`# ${init.name}\n`))
  for (const [path, content] of Object.entries(init.changed ?? {}))
    if (content === undefined) files.delete(path)
    else files.set(path, typeof content === 'string' ? new TextEncoder().encode(content) : content)
  const hash = createHash('sha1')
  for (const [path, bytes] of [...files].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(path).update(gitHashOf(bytes))
  const { name, card = { license: 'apache-2.0' }, gated = false } = init
  return { name, commit: hash.digest('hex'), files, card, gated }
}

export function gitHashOf(bytes: Uint8Array): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** What Git LFS holds: the hub lists its SHA-256 and serves it from storage elsewhere. */
export function isLarge(path: string): boolean {
  return /\.onnx(?:[._]data.*)?$/.test(path) || path === 'tokenizer.json'
}
