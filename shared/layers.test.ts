import { describe, expect, it } from 'vitest'
import {
  circlesOf,
  edgesOf,
  importsIn,
  readArrows,
  targetOf,
  type Arrow,
  type Edge,
} from './testing/import-map.ts'
import { allowedArrows, layerOf } from './layers.ts'

const ROOT = new URL('..', import.meta.url).pathname

/** The violations among these arrows, each as a sentence. */
function violationsOf(arrows: readonly Arrow[]): string[] {
  return arrows.flatMap((arrow) => {
    const { from, specifier } = arrow
    const target = targetOf(arrow)
    if (target === undefined) return []
    const layer = layerOf(from)
    const other = layerOf(target)
    if (layer === undefined || other === undefined || target.startsWith('..'))
      return [`${from} imports ${specifier}, which is outside the tree`]
    if (isAllowed(from, layer, other)) return []
    return [`${from} (${layer}) may not import ${specifier} (${other})`]
  })
}

function isAllowed(from: string, layer: string, other: string): boolean {
  if (layer === other || allowedArrows[layer]?.includes(other)) return true
  // A test may stand on everything that its subject may, and on the fakes; one of the relay starts a whole one.
  if (!from.endsWith('.test.ts')) return false
  if (layer.startsWith('relay') && (other === 'relay/testing' || other === 'relay')) return true
  if (layer.startsWith('web/state') && other === 'web/state/testing') return true
  return other === 'shared/testing'
}

describe('the arrows of the tree', () => {
  const arrows = readArrows(ROOT)

  it('point down in every file of shared, web, relay and e2e', () => {
    expect(violationsOf(arrows)).toEqual([])
  })

  it('run in no circle, of files or of folders', () => {
    const circles = circlesOf(edgesOf(arrows))
    expect(circles.map(({ places, ties }) => ({ places, ties }))).toEqual([])
  })

  it('are read from enough files to mean something', () => {
    for (const folder of ['shared/', 'relay/', 'web/', 'e2e/'])
      expect(arrows.filter(({ from }) => from.startsWith(folder)).length).toBeGreaterThan(20)
    expect(arrows.some(({ from }) => from.endsWith('.svelte'))).toBe(true)
  })

  it.each<[string, string]>([
    ['shared/base/bytes.ts', '../errors/infernet-error.ts'],
    ['shared/wire/codec.ts', '#shared/prompt/prompt.ts'],
    ['shared/prompt/quote.ts', '../stream/chunk.ts'],
    ['shared/stream/run-job.ts', '../testing/fake-clock.ts'],
    ['shared/peer/ask.ts', '#relay/main.ts'],
    ['shared/peer/ask.ts', '../../web/mesh/create-mesh.ts'],
    ['shared/peer/ask.test.ts', '../../relay/testing/fixtures.ts'],
    ['relay/create-relay.ts', '../web/mesh/create-mesh.ts'],
    ['relay/create-relay.ts', '#shared/testing/fake-clock.ts'],
    ['relay/serve/routes.ts', '../chain/limits.ts'],
    ['relay/node/create-node.ts', '../gossip/relay-record.ts'],
    ['relay/chain/mount-chain.ts', '../create-relay.ts'],
    ['web/mesh/create-mesh.ts', '../../relay/base/limits.ts'],
    ['web/mesh/create-mesh.ts', '../state/session/session.svelte.ts'],
    ['web/engine/client.ts', '../mesh/mesh.ts'],
    ['web/ui/Button.svelte', '../state/session/session.svelte.ts'],
    ['web/ui/Button.svelte', '#shared/peer/peer.ts'],
    ['web/state/session/session.svelte.ts', '../../pages/Ask.svelte'],
    ['web/pages/Ask.svelte', '../mesh/create-mesh.ts'],
    ['web/state/ask/ask.svelte.ts', '../provide/provide.svelte.ts'],
    ['web/state/session/session.svelte.ts', '../money/wallet.svelte.ts'],
    ['web/state/money/wallet.svelte.ts', '../shell/services.ts'],
    ['shared/settle/receipt.ts', '../peer/peer.ts'],
    ['shared/settle/vouchers.ts', '#shared/abi/escrow.ts'],
    ['shared/settle/receipt.ts', '../chain/escrow-client.ts'],
    ['shared/wire/signed.ts', '../../../elsewhere/thing.ts'],
    ['shared/models/load-model.ts', '../engine/engine.ts'],
    ['shared/engine/create-engine.ts', '../model-kit/make-manifest.ts'],
    ['shared/peer/ask.ts', '../client/ask-text.ts'],
    ['shared/client/ask-text.ts', '../mesh/create-node.ts'],
    ['web/engine/client.ts', '#shared/client/model-library.ts'],
    ['e2e/flows/ask.e2e.ts', '../../web/mesh/create-mesh.ts'],
    ['contracts/script/deploy.ts', '#shared/stream/chunk.ts'],
    ['relay/compose.ts', '../contracts/script/deploy.ts'],
    ['web/wallet/stake.ts', '../../contracts/script/deploy.ts'],
  ])('refuse that %s imports %s', (from, specifier) => {
    expect(violationsOf([{ from, specifier }])).toHaveLength(1)
  })

  it.each<[string, string]>([
    ['shared/wire/codec.ts', '../errors/infernet-error.ts'],
    ['shared/wire/codec.ts', 'cborg'],
    ['shared/stream/job.test.ts', '../testing/fake-engine.ts'],
    ['shared/chain/escrow-client.ts', '#shared/abi/escrow.ts'],
    ['shared/model-kit/make-manifest.ts', '#shared/engine/golden.ts'],
    ['relay/compose.ts', '#shared/peer/create-peer.ts'],
    ['relay/compose.ts', './directory/mount-directory.ts'],
    ['relay/create-relay.test.ts', '#shared/testing/real-clock.ts'],
    ['relay/chain/faucet-handler.ts', '../serve/json-post.ts'],
    ['relay/serve/site.test.ts', '../create-relay.ts'],
    ['shared/client/ask-text.ts', '../peer/peer.ts'],
    ['relay/compose.ts', '#shared/client/ask-text.ts'],
    ['web/state/ask/ask.svelte.ts', '#shared/client/ask-text.ts'],
    ['web/pages/Ask.svelte', '../ui/Button.svelte'],
    ['web/pages/Ask.svelte', '../state/session/session.svelte.ts'],
    ['web/state/session/session.svelte.ts', '../../mesh/mesh.ts'],
    ['web/main.ts', './pages/Ask.svelte'],
    ['web/engine/client.ts', './worker.ts?worker'],
    ['e2e/fixtures/network.ts', '../../relay/compose.ts'],
    ['e2e/fixtures/chain.ts', '../../contracts/script/deploy.ts'],
    ['contracts/script/deploy.ts', '#shared/abi/escrow.ts'],
  ])('let %s import %s', (from, specifier) => {
    expect(violationsOf([{ from, specifier }])).toEqual([])
  })

  it('are found in each way an import is written', () => {
    const source = `
      import a from './a.ts'
      import type { B } from "./b.ts"
      import './c.css'
      import { d,
        e } from './d.ts'
      export { f } from './f.ts'
      const g = await import('./g.ts')
      // import h from './h.ts'
      /** import i from './i.ts' */
      const text = 'no import here'`
    expect(importsIn(source)).toEqual(['./a.ts', './b.ts', './c.css', './d.ts', './f.ts', './g.ts'])
  })
})

describe('a circle', () => {
  const placesOf = (...edges: Edge[]): (readonly string[])[] => circlesOf(edges).map(({ places }) => places)

  it('is found between two files, three files, and a file and a folder', () => {
    expect(placesOf(['a/x.ts', 'a/y.ts'], ['a/y.ts', 'a/x.ts'])).toEqual([['a/x.ts', 'a/y.ts']])
    expect(placesOf(['a/x.ts', 'a/y.ts'], ['a/y.ts', 'a/z.ts'], ['a/z.ts', 'a/x.ts'])).toHaveLength(1)
    expect(placesOf(['a/x.ts', 'a/b/y.ts'], ['a/b/z.ts', 'a/x.ts'])).toEqual([['a/b', 'a/x.ts']])
  })

  it('is found between folders whose files form none', () => {
    const circle = circlesOf([
      ['a/b/x.ts', 'a/c/y.ts'],
      ['a/c/z.ts', 'a/b/w.ts'],
      ['a/b/x.ts', 'a/b/w.ts'],
    ])
    expect(circle).toEqual([
      {
        inside: 'a',
        places: ['a/b', 'a/c'],
        ties: [
          ['a/b/x.ts', 'a/c/y.ts'],
          ['a/c/z.ts', 'a/b/w.ts'],
        ],
      },
    ])
  })

  it('is none where arrows only meet', () => {
    expect(placesOf(['a/x.ts', 'a/y.ts'], ['a/z.ts', 'a/y.ts'], ['a/x.ts', 'a/z.ts'])).toEqual([])
  })
})

describe('the table of arrows', () => {
  it('has no circle', () => {
    const seen = new Set<string>()
    const visit = (layer: string, above: readonly string[]): void => {
      expect(above, 'a circle').not.toContain(layer)
      if (seen.has(layer)) return
      for (const below of allowedArrows[layer] ?? []) if (below !== layer) visit(below, [...above, layer])
      seen.add(layer)
    }
    for (const layer of Object.keys(allowedArrows)) visit(layer, [])
  })

  it('never lets web and relay meet', () => {
    const known = new Map<string, Set<string>>()
    const reach = (layer: string): Set<string> => {
      const below = (allowedArrows[layer] ?? []).flatMap((each) => [...(known.get(each) ?? reach(each))])
      const all = new Set([layer, ...below])
      known.set(layer, all)
      return all
    }
    expect([...reach('relay')].filter((layer) => layer.startsWith('web'))).toEqual([])
    expect([...reach('web')].filter((layer) => layer.startsWith('relay'))).toEqual([])
  })

  it('names the folder of a path', () => {
    expect(layerOf('shared/wire/codec.ts')).toBe('shared/wire')
    expect(layerOf('web/main.ts')).toBe('web')
    expect(layerOf('shared/model-kit/make-manifest.ts')).toBe('shared/model-kit')
    expect(layerOf('shared/models/manifest.ts')).toBe('shared/models')
    expect(layerOf('relay/serve/site.ts')).toBe('relay/serve')
    expect(layerOf('relay/compose.ts')).toBe('relay')
    expect(layerOf('shared/layers.ts')).toBe('shared')
    expect(layerOf('node_modules/x.ts')).toBeUndefined()
  })
})
