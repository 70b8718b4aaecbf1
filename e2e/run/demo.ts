/**
 * `npm run demo -- "a prompt" [--backend webgpu|wasm] [--chromium PATH]`
 * `npm run demo -- --check ["a prompt"] [--cheat NAME] [--verifier tab|node] [--chromium PATH]`
 *
 * The main job without looking at a screen: a chain with the contracts, a relay without a seed provider, a tab that
 * provides and a tab that asks, in headless Chromium. The answer goes to standard output as it comes and is paid for block
 * by block; the relay carries the claim. The last line is one JSON object, whose `paid` is read from the chain.
 * With `--check` or `--cheat` the answer is checked by a stranger: see `check-demo.ts`.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { formatEther, type Address } from 'viem'
import { errorLine } from '#shared/errors/error-line.ts'
import { findAnvil, NO_ANVIL } from '../chain/find-anvil.ts'
import { startLocalChain, type LocalChain } from '../chain/local-chain.ts'
import { ourContracts } from '../chain/our-contracts.ts'
import {
  expectedSharesOf,
  publishModel,
  readSupply,
  waitForSettlement,
  type Settlement,
} from '../chain/settlement.ts'
import { checkDemo } from '../check-demo/check-demo.ts'
import { buildPage } from '../fixtures/build-page.ts'
import { launchBrowser } from '../fixtures/browser.ts'
import { providedModel } from '../fixtures/lent-model.ts'
import { openConsumer, openProvider } from '../fixtures/network.ts'
import { startRelayProcess } from '../fixtures/relay-process.ts'
import type { AnswerRecord } from '../../web/state/ask/conversation.ts'

/** A software GPU takes half a second a token; a real one is done in seconds. */
const ANSWER_LIMIT_MS = { wasm: 60_000, webgpu: 600_000 }
const LIVE_LIMIT_MS = { wasm: 60_000, webgpu: 300_000 }

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    backend: { type: 'string', default: 'wasm' },
    chromium: { type: 'string' },
    check: { type: 'boolean', default: false },
    cheat: { type: 'string' },
    verifier: { type: 'string', default: 'tab' },
  },
})
const prompt = positionals.join(' ') || 'Tell me a story about a fox and a lantern.'
const backend = values.backend === 'webgpu' ? 'webgpu' : 'wasm'
const { cheat, verifier, chromium } = values
const isCheck = values.check || cheat !== undefined
process.exitCode = await (isCheck ? checkDemo({ prompt, cheat, verifier, chromium }) : demo()).catch(
  (thrown: unknown) => {
    console.error(errorLine(thrown))
    return 1
  },
)

async function demo(): Promise<number> {
  buildPage()
  await using cleanUp = new AsyncDisposableStack()
  const chain = await startChain(cleanUp)
  const relay = await startRelayProcess({ args: ['--seed-provider', 'off', ...chainFlags(chain)] })
  cleanUp.defer(() => relay.stop())
  const browser = await launchBrowser(values.chromium ? { executablePath: values.chromium } : {})
  cleanUp.defer(() => browser.close())
  console.error(`A tab is loading the model on ${backend} ...`)
  await openProvider(browser, relay.url, { backend, timeout: LIVE_LIMIT_MS[backend] })
  const consumer = await openConsumer(browser, relay.url)
  await consumer.follow((added) => process.stdout.write(added))
  const ledger = chain && (await openLedger(chain, await providedModel(relay.url)))
  await consumer.ask(prompt)
  await consumer.waitForState('done', { timeout: ANSWER_LIMIT_MS[backend] })
  process.stdout.write('\n')
  const answer = await consumer.record()
  const settlement = chain && ledger && (await settle(chain, ledger, answer.due))
  process.stdout.write(`${JSON.stringify({ ...report(answer), ...settlement })}\n`)
  return 0
}

/** Without anvil the answer is free, and `paid` is missing. */
async function startChain(cleanUp: AsyncDisposableStack): Promise<LocalChain | undefined> {
  if (findAnvil() === undefined) {
    console.error(NO_ANVIL)
    return undefined
  }
  const folder = await mkdtemp(join(tmpdir(), 'infernet-demo-'))
  cleanUp.defer(() => rm(folder, { recursive: true, force: true }))
  const chain = await startLocalChain(ourContracts, { folder })
  cleanUp.defer(() => chain.stop())
  console.error(`A chain is up, its contracts deployed in ${chain.deployedInMs} ms`)
  return chain
}

function chainFlags(chain: LocalChain | undefined): readonly string[] {
  if (!chain) return []
  return [
    ...['--network-file', chain.networkFile, '--faucet-key-file', chain.faucetKeyFile],
    ...['--relay-key-file', chain.relayKeyFile, '--carry-worth', '0', '--carry-every-seconds', '1'],
  ]
}

interface OpenLedger {
  readonly publisher: Address
  readonly supplyBefore: bigint
}

async function openLedger(chain: LocalChain, model: string): Promise<OpenLedger> {
  const publisher = await publishModel(chain, `0x${model}`, 'infernet/tiny')
  return { publisher, supplyBefore: await readSupply(chain) }
}

/** Throws unless the chain moved what the answer cost, and everybody's share of it, to the last unit. */
async function settle(chain: LocalChain, ledger: OpenLedger, due: bigint): Promise<object> {
  const settlement = await waitForSettlement(chain, { ...ledger, due })
  if (settlement.claimed !== due)
    throw new Error(`the answer cost ${due} units, and ${settlement.claimed} were claimed`)
  expectEqual(settlement.moved, expectedSharesOf(settlement))
  const inUnits = Object.entries(settlement.moved).map(([who, amount]) => [who, formatEther(amount)])
  return { paid: formatEther(due), shares: Object.fromEntries(inUnits) as unknown }
}

function expectEqual(moved: Settlement['moved'], expected: Settlement['moved']): void {
  for (const who of ['provider', 'publisher', 'relay', 'treasury', 'burned'] as const)
    if (moved[who] !== expected[who])
      throw new Error(`${who} should have moved by ${expected[who]} units and moved by ${moved[who]}`)
}

function report({ segments, tokens, ttftMs, tokensPerSecond }: AnswerRecord): object {
  const last = segments.at(-1)
  return {
    provider: last?.provider,
    providerKind: last?.kind,
    backend: last?.backend,
    path: last?.path,
    direct: last?.path !== 'relayed',
    tokens,
    ttftMs: ttftMs === undefined ? undefined : Math.round(ttftMs),
    tokensPerSecond: tokensPerSecond === undefined ? undefined : Math.round(tokensPerSecond * 10) / 10,
  }
}
