import type { CatalogueEntry } from '../entry.ts'

/** An entry with a manifest, unless `change` says otherwise. */
export function entryOf(change: Record<string, unknown>): CatalogueEntry {
  return {
    id: 'tiny',
    name: 'Tiny',
    about: 'Short stories.',
    task: 'text-generation',
    licence: { id: 'apache-2.0', mayPassOn: true, isGated: false },
    goodFor: ['trying'],
    origins: [{ kind: 'folder', url: '/models/tiny/' }],
    precisions: [{ dtype: 'fp32', bytes: 10, memoryBytes: 20, manifest: '/models/tiny/manifest.fp32.json' }],
    dtype: 'fp32',
    tried: true,
    ...change,
  }
}

/** A list as a file holds it. */
export function catalogueOf(entries: readonly unknown[]): string {
  return JSON.stringify({ format: 'infernet/catalogue/1', entries })
}
