import { posix } from 'node:path'

/**
 * The arrows of the tree, as one table that the lint rule and the boundary test both read.
 *
 * A folder may import from itself and from what stands beside it here. `shared/testing` is for tests alone.
 * Stages may use the types of earlier stages, never of later ones, so each row holds all rows above it.
 */
const stages = [
  'base',
  'errors',
  'wire',
  'models',
  'engine',
  'prompt',
  'schedule',
  'stream',
  'verify',
  'settle',
  'chain',
  'peer',
  'mesh',
]
const shared = (name: string): string => `shared/${name}`
const upTo = (name: string): string[] => stages.slice(0, stages.indexOf(name)).map(shared)

/** The rooms of a relay, in which each may use those before it. */
const rooms = [
  'base',
  'weights',
  'config',
  'observe',
  'node',
  'gossip',
  'serve',
  'mount',
  'directory',
  'chain',
  'provide',
  'audit',
].map((name) => `relay/${name}`)

/**
 * The rooms of the page's state: who asks, who provides and who keeps models know nothing of one another. What is known of
 * who can be trusted stands on what was asked, and the shell holds all of them.
 */
const state = ['session', 'money', 'ask', 'provide', 'models', 'trust', 'shell', 'testing'].map(
  (name) => `web/state/${name}`,
)
const [session = '', money = '', ask = '', provide = '', models = '', trust = '', shell = ''] = state
/** What reads and writes text stands on the stages, and below the page and the relay. */
const client = 'shared/client'
const outside = [
  ...stages.map(shared),
  client,
  'shared/abi',
  'web/mesh',
  'web/engine',
  'web/storage',
  'web/wallet',
  'web/weights',
]

export const allowedArrows: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(stages.map((name) => [shared(name), upTo(name)])),
  'shared/chain': [...upTo('chain'), 'shared/abi'],
  // Scripts that make a model's files: they may run the engine that will read them.
  'shared/model-kit': upTo('prompt'),
  [client]: [...upTo('peer'), 'shared/peer'],
  'shared/abi': [],
  'shared/testing': stages.map(shared),
  'web/ui': ['shared/base'],
  'web/mesh': stages.map(shared),
  'web/engine': [...stages.map(shared), 'web/weights'],
  'web/weights': stages.map(shared),
  'web/storage': stages.map(shared),
  'web/wallet': [...stages.map(shared), 'shared/abi'],
  [session]: outside,
  [money]: [...outside, session],
  [ask]: [...outside, session, money],
  [provide]: [...outside, session, money],
  [models]: [...outside, session, money],
  [trust]: [...outside, session, money, ask],
  [shell]: [...outside, session, money, ask, provide, models, trust],
  'web/state/testing': [...outside, session, money, ask, provide, models, trust, shell],
  'web/pages': [...stages.map(shared), client, ...state, 'web/ui'],
  web: [
    ...stages.map(shared),
    client,
    'web/pages',
    ...state,
    'web/ui',
    'web/styles',
    'web/mesh',
    'web/engine',
    'web/storage',
  ],
  ...Object.fromEntries(
    rooms.map((name, at) => [name, [...stages.map(shared), client, 'shared/abi', ...rooms.slice(0, at)]]),
  ),
  relay: [...stages.map(shared), client, 'shared/abi', ...rooms],
  'relay/testing': [...stages.map(shared), 'shared/testing', 'relay', ...rooms],
  // The scripts beside the contracts: they write shared/abi, deploy from it, and write the one network file.
  contracts: ['shared/abi', 'shared/chain'],
  // Of the page: what it writes down, a test may read; and pages of our own drive its services and its engine bare.
  // It starts a chain and deploys to it, and takes small models of every family from the kit.
  e2e: [
    ...stages.map(shared),
    client,
    'shared/model-kit',
    'shared/abi',
    'shared/testing',
    'relay',
    'relay/testing',
    ...rooms,
    'contracts',
    'web',
    ...state,
    'web/engine',
    'web/storage',
    'web/wallet',
    'web/weights',
  ],
}

/** The layer of a path relative to the root, e.g. `shared/wire/codec.ts` -> `shared/wire`; undefined outside the tree. */
export function layerOf(path: string): string | undefined {
  const [top = '', second = '', third = ''] = path.split('/')
  for (const folder of [`${top}/${second}/${third}`, `${top}/${second}`])
    if (allowedArrows[folder]) return folder
  if (top === 'web' || top === 'relay' || top === 'e2e' || top === 'contracts') return top
  return top === 'shared' ? 'shared' : undefined
}

const everyLayer = Object.keys(allowedArrows)

/** One `no-restricted-imports` block per layer, with a message that tells the right way. */
export const layerRules = everyLayer.map((layer) => {
  const allowed = new Set([layer, ...(allowedArrows[layer] ?? [])])
  const denied = everyLayer.filter((other) => !allowed.has(other) && other !== 'web' && other.includes('/'))
  const patterns = denied.map((other) => {
    const name = other.replace('shared/', '#shared/')
    const relative =
      layer.split('/')[0] === other.split('/')[0] ? `${posix.relative(layer, other)}/**` : `**/${other}/**`
    return {
      group: [`${name}/**`, relative],
      message: `${layer} may not import ${other}: arrows point down (${allowedArrows[layer]?.join(', ') || 'imports nothing'}).`,
    }
  })
  if (layer.startsWith('web') || layer.startsWith('shared'))
    patterns.push({ group: ['**/relay/**'], message: `${layer} never imports relay.` })
  if (layer.startsWith('relay')) patterns.push({ group: ['**/web/**'], message: 'relay never imports web.' })
  if (layer !== 'contracts' && layer !== 'e2e')
    patterns.push({ group: ['**/contracts/**'], message: `${layer} takes shared/abi, never the contracts.` })
  const files = layer.includes('/')
    ? [`${layer}/**/*.ts`, `${layer}/**/*.svelte`]
    : [`${layer}/*.ts`, `${layer}/**/*.ts`]
  const ignores = everyLayer.filter((other) => other.startsWith(`${layer}/`)).map((other) => `${other}/**`)
  return {
    files,
    ignores: [...ignores, ...(layer === 'shared/testing' ? [] : ['**/*.test.ts'])],
    rules: { 'no-restricted-imports': ['error', { patterns }] },
  }
})
