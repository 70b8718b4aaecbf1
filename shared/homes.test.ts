import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const ROOT = new URL('..', import.meta.url).pathname

/** Something that has one place in the tree, and what gives away a second one. */
interface Home {
  readonly what: string
  /** Folders and files where it is at home. */
  readonly home: readonly string[]
  /** Looked for in the code without its comments. */
  readonly marks: readonly RegExp[]
}

/** Add a row for whatever was merged once and must not grow a second time. */
const HOMES: readonly Home[] = [
  {
    what: 'a clock of the platform',
    home: ['shared/base/platform-clock.ts'],
    marks: [/\bepochMillis\((?:\w+\.)?Date\.now\(/],
  },
  {
    what: 'a sum of what a session has left',
    home: ['shared/settle/claim-offer.ts'],
    marks: [/\bcap\s*>\s*(?:\w+\.)?spent\b/],
  },
  {
    what: 'a client of our contracts',
    home: ['shared/chain'],
    marks: [
      /abi\/[\w-]+\.ts['"]/, // without an ABI nothing is read of a contract, encoded for it, or understood of it
      /\b(?:readContract|getContract|simulateContract|multicall|watchContractEvent|getContractEvents)\b/,
      /\b(?:encode|decode)(?:FunctionData|FunctionResult|ErrorResult|EventLog|AbiParameters)\b/,
      /\b(?:parseAbi|parseAbiItem|parseEventLogs|erc20Abi)\b/,
    ],
  },
  {
    what: 'a sender of transactions',
    home: ['shared/chain'],
    marks: [
      /\b(?:sendRawTransaction|sendTransaction|writeContract|deployContract)(?:Sync)?\b/,
      /\b(?:signTransaction|serializeTransaction|prepareTransactionRequest)\b/,
    ],
  },
  {
    what: 'a user of the raw sender',
    // Each for its reasons: one follows alone what it sends, the other one asks its visitor.
    home: ['relay/chain/transaction-sender.ts', 'web/wallet/tab-signer.ts'],
    marks: [/\bchain\/send-raw\.ts['"]/],
  },
  {
    what: 'a way for raw transactions',
    // What tabs send through their relay.
    home: ['relay/chain/chain-node.ts', 'relay/chain/read-path.ts', 'relay/chain/rpc-methods.ts'],
    marks: [/\beth_sendRawTransaction\b/],
  },
  {
    what: 'a keeper of relays',
    // A relay counts what its own store of places refuses.
    home: ['shared/mesh', 'relay/node/share-places.ts'],
    marks: [
      /\bcircuitRelayTransport\b/, // without it no place at a relay is asked for
      /\breservationStore\b|circuit-relay-v2-transport/,
      /\btransportManager\b[^;]{0,80}\.listen\(/,
    ],
  },
  {
    what: 'a protocol answered by hand',
    home: ['shared/wire'],
    marks: [/\bnode\.(?:un)?handle\(/],
  },
  {
    what: 'a way to become a provider',
    home: ['shared/peer/provide-model.ts', 'shared/prompt/free-price.ts'],
    marks: [
      /\bpeer\.provide\(/,
      /\bFREE_PRICE\b/, // what is asked where nobody could pay
      /\bprovision\??\.(?:pause|resume)\(/, // by the state of the engine, or a reason of the page's
    ],
  },
  {
    what: 'a formula that weighs offers',
    home: ['shared/schedule/policy'],
    marks: [
      // How long an offer would take, and how free it is: what every weighing begins with.
      /\/\s*(?:atLeast\w*\(|Math\.max\()?[^;\n]{0,20}\b(?:decode|prefill)TokensPerSecond\b/,
      /\bbusySlots\b[^;\n]{0,20}\/\s*(?:\w+\.)?slots\b|\bslots\s*-\s*(?:\w+\.)?busySlots\b/,
    ],
  },
]

/** What has a second home in this source, each as a sentence. */
function strangersIn(path: string, source: string): string[] {
  const code = source.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
  return HOMES.filter(({ home }) => !home.some((each) => path === each || path.startsWith(`${each}/`)))
    .filter(({ marks }) => marks.some((mark) => mark.test(code)))
    .map(({ what, home }) => `${path} has ${what}, which is at home in ${home.join(', ')}`)
}

/** All sources that people run. */
function sources(): string[] {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', 'web', 'relay', 'shared'], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  const isOther = /\.test\.ts$|\/testing\/|^shared\/(?:abi|model-kit)\//
  return listed.split('\n').filter((path) => /\.(?:ts|svelte)$/.test(path) && !isOther.test(path))
}

function read(path: string): string | undefined {
  try {
    return readFileSync(ROOT + path, 'utf8')
  } catch {
    return undefined // listed, and removed since
  }
}

describe('what has one home', () => {
  it('has no second one in web, relay or shared', () => {
    const paths = sources()
    expect(paths.length).toBeGreaterThan(300)
    expect(paths.flatMap((path) => strangersIn(path, read(path) ?? ''))).toEqual([])
  })

  it.each(HOMES)('is still where the table says: $what', ({ home, marks }) => {
    for (const place of home) {
      const found = sources().filter((path) => path === place || path.startsWith(`${place}/`))
      expect(
        found.some((path) => marks.some((mark) => mark.test(read(path) ?? ''))),
        place,
      ).toBe(true)
    }
  })

  it.each<[string, string]>([
    ['web/wallet/x.ts', "import { escrowAbi } from '#shared/abi/escrow.ts'"],
    ['shared/settle/x.ts', "import { stakeAbi } from '../abi/stake.ts'"],
    ['web/pages/X.svelte', '<script>const data = encodeFunctionData({ abi })</script>'],
    ['relay/chain/x.ts', 'await client.readContract({ address, abi, functionName })'],
    ['relay/chain/x.ts', "import { erc20Abi } from 'viem'"],
    ['web/state/x.ts', "const abi = parseAbi(['function claim()'])"],
    ['relay/chain/x.ts', 'await client.sendRawTransaction({ serializedTransaction })'],
    ['web/wallet/x.ts', "import { sendRawTransaction } from 'viem/actions'"],
    ['web/wallet/x.ts', 'const request = await prepareTransactionRequest(client, call)'],
    ['relay/provide/x.ts', 'await account.signTransaction({ to, value })'],
    ['relay/chain/x.ts', "import { broadcast } from '#shared/chain/send-raw.ts'"],
    ['web/wallet/x.ts', "client.request({ method: 'eth_sendRawTransaction', params: [raw] })"],
    ['relay/provide/x.ts', "import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'"],
    ['web/mesh/x.ts', 'await node.components.transportManager.listen([multiaddr(address)])'],
    ['relay/gossip/x.ts', 'await relay.node.handle(PROTOCOL, service.handle)'],
    ['relay/provide/x.ts', 'const provision = peer.provide(engine, terms)'],
    ['web/state/provide/x.ts', 'const provision = mesh.peer.provide(engine, terms)'],
    ['relay/provide/x.ts', 'const price = payee ? listPriceOf(manifest) : FREE_PRICE'],
    ['web/state/provide/x.ts', 'engine.onChange(() => provision.pause())'],
    ['web/state/x.ts', 'const ms = (1000 * tokens) / offer.decodeTokensPerSecond'],
    ['relay/directory/x.ts', 'const free = (offer.slots - offer.busySlots) / offer.slots'],
    ['shared/peer/x.ts', 'const load = busySlots / slots'],
    ['web/engine/x.ts', 'const now = () => epochMillis(Date.now())'],
    ['relay/chain/x.ts', 'const left = session.cap > session.spent ? session.cap - session.spent : 0n'],
  ])('is refused in %s: %s', (path, source) => {
    expect(strangersIn(path, source)).toHaveLength(1)
  })

  it.each<[string, string]>([
    ['shared/chain/x.ts', "import { escrowAbi } from '../abi/escrow.ts'"],
    ['web/wallet/x.ts', '// client.readContract would do as well'],
    ['web/wallet/x.ts', "provider.request({ method: 'eth_sendTransaction', params })"],
  ])('lets %s say: %s', (path, source) => {
    expect(strangersIn(path, source)).toEqual([])
  })
})
