import type { Dtype } from './manifest.ts'

/** A model that the page offers. Its real name is the hash of the manifest that is loaded from here. */
export interface CatalogueEntry {
  readonly id: string
  readonly name: string
  /** One line for people who do not know what a model is. */
  readonly description: string
  /** Where its files lie, relative to the page or absolute; ends in a slash. */
  readonly baseUrl: string
  /** The manifest of each precision, relative to `baseUrl`. */
  readonly manifests: Readonly<Partial<Record<Dtype, string>>>
  /** The precision to take when nobody chose: on a processor `fp32` is 3 to 5 times faster than `q4`. */
  readonly dtype: Dtype
}

export const CATALOGUE: readonly CatalogueEntry[] = [
  {
    id: 'infernet-tiny',
    name: 'Infernet Tiny',
    description: 'Short stories, small sums and questions about the network. Runs on anything.',
    baseUrl: '/models/infernet-tiny/',
    manifests: { fp32: 'manifest.fp32.json', q4: 'manifest.q4.json' },
    dtype: 'fp32',
  },
]
