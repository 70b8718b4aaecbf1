import { PIECE_BYTES, type Manifest } from './manifest.ts'

/**
 * Where a manifest contradicts itself: a file whose size and count of pieces do not agree, two files of one path, two
 * that say of one content that it is different, or weights that it does not list. Undefined where it does not.
 */
export function contradictionIn({ files, weights }: Pick<Manifest, 'files' | 'weights'>): string | undefined {
  const paths = new Set<string>()
  const contents = new Map<string, string>()
  for (const { path, size, sha256, pieces } of files) {
    const content = `${size} ${pieces.join()}`
    const isOther = (contents.get(sha256) ?? content) !== content
    if (pieces.length !== Math.ceil(size / PIECE_BYTES) || paths.has(path) || isOther) return path
    paths.add(path)
    contents.set(sha256, content)
  }
  return paths.has(weights) ? undefined : weights
}
