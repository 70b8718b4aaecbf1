import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const patches = globSync('patches/*.patch', { cwd: ROOT })

/** The blocks of a patch, file by file: what stands there before it, and after. */
function blocksOf(patch: string): { file: string; before: string; after: string }[] {
  return patch.split(/^diff --git /m).flatMap((part) => {
    const file = /^\+\+\+ b\/(.+)$/m.exec(part)?.[1]
    if (!file) return []
    return part
      .split(/^@@ .*$/m)
      .slice(1)
      .map((hunk) => {
        const lines = hunk.split('\n').filter((line) => /^[ +-]/.test(line))
        const without = (sign: string): string =>
          lines
            .filter((line) => !line.startsWith(sign))
            .map((line) => line.slice(1))
            .join('\n')
        return { file, before: without('+'), after: without('-') }
      })
  })
}

describe('what npm ci must have done', () => {
  it('has a patch for @libp2p/webrtc, without which one dial in seven stalls for six seconds', () => {
    expect(patches.some((path) => path.includes('@libp2p+webrtc+'))).toBe(true)
  })

  it('has a patch for @multiformats/multiaddr-matcher, without which a relay below a path cannot be dialled', () => {
    expect(patches.some((path) => path.includes('@multiformats+multiaddr-matcher+'))).toBe(true)
    expect(globSync('node_modules/**/@multiformats/multiaddr-matcher/package.json', { cwd: ROOT })).toEqual([
      'node_modules/@multiformats/multiaddr-matcher/package.json',
    ])
  })

  it.each(patches)('%s is for the version that is installed', (path) => {
    const [, name = '', version = ''] = /patches\/(.+)\+([^+]+)\.patch$/.exec(path) ?? []
    const manifest = readFileSync(`${ROOT}node_modules/${name.replace('+', '/')}/package.json`, 'utf8')
    expect((JSON.parse(manifest) as { version: string }).version).toBe(version)
  })

  it.each(patches)('%s is applied (else run npm ci, without --ignore-scripts)', (path) => {
    const blocks = blocksOf(readFileSync(ROOT + path, 'utf8'))
    expect(blocks.length).toBeGreaterThan(0)
    for (const { file, before, after } of blocks) {
      const installed = readFileSync(ROOT + file, 'utf8')
      expect(installed, file).toContain(after)
      expect(installed, file).not.toContain(before)
    }
  })

  it('patches the only copy there is: a second one under another package would be used unpatched', () => {
    const copies = globSync('node_modules/**/@libp2p/webrtc/package.json', { cwd: ROOT })
    expect(copies).toEqual(['node_modules/@libp2p/webrtc/package.json'])
  })

  it('installed a Node of 24 or newer, which also runs this test', () => {
    const { stdout } = spawnSync(`${ROOT}node_modules/.bin/node`, ['--version'], { encoding: 'utf8' })
    for (const version of [stdout, process.version])
      expect(Number(/^v(\d+)/.exec(version)?.[1])).toBeGreaterThanOrEqual(24)
  })
})
