import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Plugin } from 'vite'

/** Vite's own module that begins to load what a lazy import needs. */
const PRELOAD_HELPER = /vite\/preload-helper/
const HREF = 'link.href = dep.href;'
/** How Vite writes a lazy import of a chunk that stands alone: with no list of what is to be preloaded. */
const LONE_IMPORT = /(import\(([`'"])(\.\/[\w.-]+\.js)\2\)[^[\]]{0,400}?,\s*)\[\](\s*,\s*import\.meta\.url)/g
const TAG = /<(?:script|link)\b[^>]*?\b(?:src|href)="\.\/([^"]+\.(?:js|css))"[^>]*>/g

/**
 * Subresource integrity: a browser runs no script and takes no style sheet whose bytes are not those that were built. The
 * digests of what comes with the page stand in its tags; those of what comes later in one `meta`, where the loader of lazy
 * imports reads them. It is of use against damage on the way: whoever serves the page can change the digests, too. Workers
 * and WebAssembly have no such check in browsers.
 */
export function chunkIntegrity(publicFolder: string): Plugin {
  return {
    name: 'chunk-integrity',
    apply: 'build',
    enforce: 'post',
    transform(code, id) {
      if (!PRELOAD_HELPER.test(id)) return undefined
      if (!code.includes(HREF)) this.error('the loader of lazy imports has changed: see chunk-integrity.ts')
      return `${code.replace(HREF, `link.integrity = integrityOf(dep.href); ${HREF}`)}\n${READ_DIGESTS}`
    },
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        const digests = new Map<string, string>()
        for (const output of Object.values(bundle)) {
          if (output.type === 'chunk') {
            output.code = withLoneImports(output.code)
            digests.set(output.fileName, digestOf(output.code))
          } else if (output.fileName.endsWith('.css')) {
            digests.set(output.fileName, digestOf(output.source))
          }
        }
        for (const output of Object.values(bundle))
          if (output.type === 'asset' && output.fileName.endsWith('.html'))
            output.source = withIntegrity(String(output.source), digests, publicFolder)
      },
    },
  }
}

/** In the page: by name, since a name holds its content's hash. */
const READ_DIGESTS = `
let digests
function integrityOf(href) {
  const told = document.querySelector('meta[name=integrity]')?.content ?? ''
  digests ??= new Map(told.split(',').map((each) => each.split(' ')))
  return digests.get(href.slice(href.lastIndexOf('/') + 1)) ?? ''
}`

/** Each lazy import names what it loads, so that the loader looks at it. */
export function withLoneImports(code: string): string {
  return code.replace(LONE_IMPORT, (_, before: string, quote: string, path: string, after: string) => {
    return `${before}[${quote}${path}${quote}]${after}`
  })
}

/** The page with the digest in each tag, and those of all other files in a `meta`. */
export function withIntegrity(
  html: string,
  digests: ReadonlyMap<string, string>,
  publicFolder: string,
): string {
  const inTags = new Set<string>()
  const tagged = html.replace(TAG, (tag, path: string) => {
    const copied = join(publicFolder, path)
    const digest = digests.get(path) ?? (existsSync(copied) ? digestOf(readFileSync(copied)) : undefined)
    if (digest === undefined) return tag
    inTags.add(path)
    return tag.replace(/\s*\/?>$/, ` integrity="${digest}"$&`)
  })
  const later = [...digests].filter(([path]) => !inTags.has(path)).sort()
  const content = later
    .map(([path, digest]) => `${path.slice(path.lastIndexOf('/') + 1)} ${digest}`)
    .join(',')
  return tagged.replace('</title>', `</title>\n    <meta name="integrity" content="${content}" />`)
}

function digestOf(source: string | Uint8Array): string {
  return `sha256-${createHash('sha256').update(source).digest('base64')}`
}
