import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse, type AST } from 'svelte/compiler'
import { expect, it } from 'vitest'

const WEB = fileURLToPath(new URL('.', import.meta.url))

/**
 * Two equal keys in one list end the whole page. So a list is keyed by its index, or by one of these, and here stands
 * why no stranger can make two of them equal. A list of what peers, relays, the chain or an extension say takes the
 * index unless what it is made from holds each key once.
 */
const UNIQUE: Readonly<Record<string, string>> = {
  // Held once by what the list is made from.
  'EntryTable.svelte row.key': 'the journal replaces an entry of the same id',
  'MeshMap.svelte node.id': '`meshNodes` makes them from a map by id',
  'JobTable.svelte job.number': 'the job service of this tab counts its jobs',
  'OfferTable.svelte row.key': 'offers are merged by provider and model (`findOffers`, `Session`)',
  'Limits.svelte choice.model': '`Session` takes each model once',
  'Here.svelte model.model': '`ModelsHome` tells each model once',
  'LentModels.svelte model.choice.model': '`lentModels` tells each model once',
  'ModelsView.svelte download.key': '`Downloads` takes each key once',
  'Prospects.svelte prospect.choice.model': '`Session` takes each model once',
  'PricePanel.svelte row.model': '`Network` makes one row a model',
  'ConnectDialog.svelte address': 'keys are stored under their address',
  'HistoryList.svelte item.id': 'stored under this id, made at random here',
  'Thread.svelte turn.id': 'made at random here',
  'CheckDialog.svelte job.jobId': '`byJob` makes one of each job',
  'ChecksPanel.svelte row.model': '`Network` makes one row a model',
  // Written down or counted in this code.
  'FilterTabs.svelte tab.value': 'tabs of the Wallet page',
  'MeshLegend.svelte word': 'marks of the map',
  'MeshRings.svelte ms': 'rings of the map',
  'OfferTable.svelte badge': 'three words at most',
  'Receipt.svelte fact.name': 'names of facts',
  'SplitBar.svelte part.key': 'three parts',
  'StartView.svelte example': 'examples for a model',
  'Steps.svelte step.key': 'steps of lending',
  'TabNav.svelte href': 'pages',
  'Tape.svelte block.key': 'part and block by number',
}

interface Each {
  /** Keyed by its index. */
  readonly isByIndex: boolean
  readonly name: string
}

function eachesOf(path: string): Each[] {
  const source = readFileSync(`${WEB}${path}`, 'utf8')
  const found: Each[] = []
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return
    if ('type' in node && node.type === 'EachBlock') {
      const { index, key } = node as AST.EachBlock
      const { start, end } = (key ?? node) as unknown as { start: number; end: number }
      const text = key ? source.slice(start, end) : 'without a key'
      found.push({ isByIndex: key !== null && text === index, name: `${path.split('/').at(-1)} ${text}` })
    }
    for (const child of Object.values(node)) visit(child)
  }
  visit(parse(source, { modern: true }).fragment)
  return found
}

const lists = globSync('**/*.svelte', { cwd: WEB, exclude: ['dist/**'] }).flatMap(eachesOf)

it('keys every list by its index, or by what is known to be there once', () => {
  expect(lists.length).toBeGreaterThan(30)
  const others = lists.filter(({ isByIndex }) => !isByIndex)
  expect(others.map(({ name }) => name).filter((name) => !(name in UNIQUE))).toEqual([])
})

it('has no reason for a list that is gone', () => {
  const names = new Set(lists.map(({ name }) => name))
  expect(Object.keys(UNIQUE).filter((name) => !names.has(name))).toEqual([])
})
