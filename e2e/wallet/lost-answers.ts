import { fileURLToPath } from 'node:url'
import type { BrowserContext, Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findAnvil } from '../chain/find-anvil.ts'
import { servePage } from '../engine/serve-page.ts'
import { launchBrowser } from '../fixtures/browser.ts'
import { startFaultyNode, type FaultyNode, type Fault } from './faulty-node.ts'
import type { OddMode } from './odd-wallet.ts'
import type {} from './page/main.ts'
import type { DeskInit, DeskView } from './page/wallet-room.ts'
import { ACT_NAMES, DeskMaker, type PreparedDesk } from './prepare-desks.ts'
import type { ActName } from './page/act-orders.ts'
import { startTestChain, type TestChain } from './test-chain.ts'

const SOURCE = fileURLToPath(new URL('page', import.meta.url))
const PATIENCE = { timeout: 40_000, interval: 100 }

/** What happens to the acts. */
export interface Ways {
  /** What a node may do with the first transaction of each account. */
  readonly faults: readonly Exclude<Fault, 'none'>[]
  /** What the node has done when the tab is closed: the transaction is lost, or is in the chain. */
  readonly closings: Readonly<Record<string, Fault>>
  /** In these modes an odd wallet sends what it is asked for, whatever it answers. */
  readonly sent: readonly OddMode[]
  /** It sends one transaction, and is another wallet afterwards. */
  readonly changed: readonly OddMode[]
  /** It sends nothing, and that is certain: the error that each act ends with. */
  readonly refused: Readonly<Partial<Record<OddMode, string>>>
  /** It sends nothing that comes into a block, and nobody can know that: what the journal says then. */
  readonly doubtful: Readonly<Partial<Record<OddMode, string>>>
  /** Whether acts of two calls are also sent as one. */
  readonly isBatched: boolean
}

/** Acts that need two transactions: an allowance before it where no permit is signed, or the payout after a claim. */
const OF_TWO = new Set<ActName>(['deposit', 'stake', 'stake-more', 'claim'])
const BATCHED = ['deposit', 'stake', 'claim'] as const

/** Every act, in each of these ways: money is moved once, or not at all. */
// npm brings anvil for Linux on x64 alone: elsewhere these wait for a Foundry installation.
export function testLostAnswers(ways: Ways): void {
  describe.skipIf(findAnvil() === undefined)('money whose answer is lost (needs anvil)', () => {
    const cleanUp = new AsyncDisposableStack()
    let chain: TestChain
    let node: FaultyNode
    let context: BrowserContext
    let url: string
    let desks: readonly PreparedDesk[]

    beforeAll(async () => {
      chain = cleanUp.use(await startTestChain())
      node = cleanUp.use(await startFaultyNode(chain.rpcUrl))
      const maker = new DeskMaker(chain)
      const { sent, changed, refused, doubtful } = ways
      const odd = [...sent, ...changed, ...Object.keys(refused), ...Object.keys(doubtful)]
      const all = [...ways.faults, ...Object.keys(ways.closings), ...odd.map((mode) => `odd-${mode}`)]
      desks = await maker.prepare([
        ...all.flatMap((way) => ACT_NAMES.map((act) => ({ name: `${way}:${act}`, act }))),
        ...(ways.isBatched ? BATCHED : []).map((act) => ({ name: `batch:${act}`, act })),
      ])
      for (const { name, account } of desks)
        if (name.startsWith('odd-') || name.startsWith('batch:')) await maker.play(account.address)
      url = cleanUp.use(await servePage({ source: SOURCE, models: {} })).url
      const browser = await launchBrowser({ hasGpu: false })
      cleanUp.defer(() => browser.close())
      context = await browser.newContext()
    })
    afterAll(() => cleanUp.disposeAsync())

    const desksOf = (way: string): readonly PreparedDesk[] =>
      desks.filter(({ name }) => name.startsWith(`${way}:`))

    async function open(of: readonly PreparedDesk[], change: Partial<DeskInit> = {}): Promise<Page> {
      const page = await context.newPage()
      await page.goto(url)
      await page.waitForFunction(() => 'walletRoom' in window)
      const inits = of.map(({ name, key }, i): DeskInit => {
        const network = { ...chain.network, rpcUrls: [byHost(node.url, i)] }
        return { name, key, network, kind: 'tab', ...change }
      })
      await page.evaluate((all) => window.walletRoom.open(all), inits)
      return page
    }
    const begin = async (page: Page, of: readonly PreparedDesk[]): Promise<void> => {
      const orders = of.map(({ name, order }) => ({ name, order }))
      await page.evaluate(
        (all) => all.forEach(({ name, order }) => window.walletRoom.begin(name, order)),
        orders,
      )
    }
    const views = (page: Page, of: readonly PreparedDesk[]): Promise<readonly DeskView[]> =>
      page.evaluate((names) => names.map((name) => window.walletRoom.view(name)), namesOf(of))
    /** One line for each act, so that the one that is wrong is seen. */
    const seen = async <T>(page: Page, of: readonly PreparedDesk[], what: (view: DeskView) => T) =>
      (await views(page, of)).map((view, i) => [of[i]?.name, what(view)])
    const each = <T>(of: readonly PreparedDesk[], what: (desk: PreparedDesk) => T) =>
      of.map((desk) => [desk.name, what(desk)])
    const take = (page: Page, of: readonly PreparedDesk[]): Promise<void> =>
      page.evaluate(async (names) => {
        for (const name of names) await window.walletRoom.takeUp(name)
      }, namesOf(of))
    const setMode = (page: Page, of: readonly PreparedDesk[], mode: OddMode): Promise<void> =>
      page.evaluate(([names, wanted]) => names.forEach((name) => window.walletRoom.setMode(name, wanted)), [
        namesOf(of),
        mode,
      ] as const)
    /** Try again, three times, with time for each to do what it does. */
    const pressThrice = async (page: Page, of: readonly PreparedDesk[]): Promise<void> => {
      for (let i = 0; i < 3; i++) {
        await page.evaluate((names) => names.forEach((name) => window.walletRoom.press(name)), namesOf(of))
        await new Promise((later) => setTimeout(later, 150))
      }
    }
    const sent = async (of: readonly PreparedDesk[]): Promise<readonly unknown[]> =>
      Promise.all(
        of.map(async ({ name, account: { address }, count }) => [
          name,
          (await chain.control.getTransactionCount({ address })) - count,
        ]),
      )

    /** Waits until each journal says what should be, and holds it against the chain; presses in doubt meanwhile. */
    async function expectOnce(page: Page, of: readonly PreparedDesk[], most = 2): Promise<void> {
      const stepsOf = (desk: PreparedDesk): number => Math.min(most, allStepsOf(desk))
      const wanted = each(of, (desk) => [stepsOf(desk) === allStepsOf(desk) ? 'mined' : 'partial'])
      await expect
        .poll(async () => {
          await pressThrice(page, of)
          return seen(page, of, ({ states }) => states)
        }, PATIENCE)
        .toEqual(wanted)
      expect(await sent(of), 'no more and no fewer came into the chain').toEqual(each(of, stepsOf))
    }

    async function openOdd(way: string, canBatch = false) {
      const of = desksOf(way)
      const style = way.length % 2 ? 'no-on' : 'usual'
      // Ten seconds are the patience with a wallet that does not say its chain, at each press anew.
      const haste = way === 'odd-chain-hang' ? 20 : 1
      const odd = { rpcUrl: chain.rpcUrl, canBatch, style, haste } as const
      return { of, page: await open(of, { kind: 'odd', odd }) }
    }

    it.each(ways.faults)('is moved once by every act when a node does this to it: %s', async (fault) => {
      const of = desksOf(fault)
      const page = await open(of)
      node.fault = fault
      await begin(page, of)
      await allMet(of)
      expect(await seen(page, of, ({ error }) => error), 'a doubt is no failure').toEqual(
        each(of, () => undefined),
      )
      await pressThrice(page, of)
      node.mend()
      await expectOnce(page, of)
      await page.close()
    })

    it.each(Object.entries(ways.closings))(
      'is moved once by every act when the tab is %s (%s)',
      async (way, fault) => {
        const of = desksOf(way)
        const page = await open(of)
        node.fault = fault
        await begin(page, of)
        await allMet(of)
        await page.close()
        node.mend()
        const again = await open(of)
        await take(again, of)
        await expectOnce(again, of, 1)
        await again.close()
      },
    )

    it.each(ways.sent)(
      'is moved once by every act with a wallet that sends it and is odd: "%s"',
      async (mode) => {
        const { of, page } = await openOdd(`odd-${mode}`)
        await setMode(page, of, mode)
        await begin(page, of)
        await expectOnce(page, of)
        await page.close()
      },
    )

    it.each(ways.changed)(
      'is moved once by every act with a wallet that changes meanwhile: %s',
      async (mode) => {
        const { of, page } = await openOdd(`odd-${mode}`)
        await setMode(page, of, mode)
        await begin(page, of)
        await expectOnce(page, of, 1)
        await page.close()
      },
    )

    it.each(Object.entries(ways.refused))(
      'is not moved where that is certain (%s), and once when tried anew',
      async (mode, code) => {
        const { of, page } = await openOdd(`odd-${mode}`)
        await setMode(page, of, mode as OddMode)
        await begin(page, of)
        const refused = () => seen(page, of, ({ error, states }) => [error, ...states])
        const wanted = each(of, () => [code])
        await expect.poll(refused, PATIENCE).toEqual(wanted)
        await pressThrice(page, of)
        await expect.poll(refused, PATIENCE).toEqual(wanted)
        expect(await sent(of)).toEqual(each(of, () => 0))
        await setMode(page, of, '')
        await expectOnce(page, of)
        await page.close()
      },
    )

    it.each(Object.entries(ways.doubtful))(
      'is not sent anew by any act in doubt: %s',
      async (mode, state) => {
        const { of, page } = await openOdd(`odd-${mode}`)
        await setMode(page, of, mode as OddMode)
        await begin(page, of)
        const doubted = () =>
          seen(page, of, ({ error, canSendAgain, states }) => [error, canSendAgain, ...states])
        const wanted = each(of, () => [undefined, false, state])
        await expect.poll(doubted, PATIENCE).toEqual(wanted)
        await setMode(page, of, '') // from now on it would send whatever it is asked for
        await pressThrice(page, of)
        expect(await doubted()).toEqual(wanted)
        expect(await sent(of)).toEqual(each(of, () => 0))
        await page.close()
      },
    )

    if (ways.isBatched) {
      it('is moved once by calls that a wallet sends as one, when it loses the answer', async () => {
        const { of, page } = await openOdd('batch', true)
        await setMode(page, of, 'lost')
        await begin(page, of)
        await expectOnce(page, of)
        await page.close()
      })
    }

    async function allMet(of: readonly PreparedDesk[]): Promise<void> {
      const missing = () => namesOf(of.filter(({ account }) => !node.met.has(account.address)))
      await expect.poll(missing, PATIENCE).toEqual([])
    }
  })
}

/** A host name for each desk: a browser has six connections for a host, and answers that are held would use them up. */
function byHost(nodeUrl: string, desk: number): string {
  const url = new URL(nodeUrl)
  url.hostname = `desk-${desk}.localhost`
  return url.href
}

function namesOf(of: readonly PreparedDesk[]): string[] {
  return of.map(({ name }) => name)
}

/** The key in this tab signs a permit, which is no transaction. */
function allStepsOf({ act, name }: PreparedDesk): number {
  const isPermitted = act === 'deposit' && !/^(odd-|batch)/.test(name)
  return OF_TWO.has(act) && !isPermitted ? 2 : 1
}
