import type { BrowserContext } from 'playwright'
import { erc20Abi, parseEther, type Address } from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { escrowAbi } from '#shared/abi/escrow.ts'
import { encodeClaim } from '#shared/chain/encode-claim.ts'
import { findAnvil } from '../chain/find-anvil.ts'
import { openTab } from '../fixtures/browser.ts'
import { sendAs, startMoneyNetwork, type MoneyNetwork } from '../fixtures/money-network.ts'
import { WalletPage } from '../pages/wallet-page.ts'
import { testChainOf } from './money-desks.ts'
import { installOddWallet, type OddMode, type OddWallet } from './odd-wallet.ts'
import { ACTS, pageAct, type DoneAct } from './page-acts.ts'
import { lineOf, type LineFault, type PageLine } from './page-line.ts'
import { DeskMaker, type PreparedDesk } from './prepare-desks.ts'

const PHONE = { viewport: { width: 360, height: 780 } }
const PATIENCE = { timeout: 40_000, interval: 150 }
const ODD = { name: 'Odd Wallet', rdns: 'odd.example' }

/** What is driven through the page; every act with every way is driven by `lost-answers.ts`, below the page's buttons. */
export interface DoubtCases {
  /** What a node does. */
  readonly faults: readonly (readonly [LineFault, readonly DoneAct[]])[]
  /** The page is closed between signing and sending, or between sending and the answer. */
  readonly closings: readonly (readonly [way: string, LineFault, readonly DoneAct[]])[]
  /** With these a wallet sends it, and answers badly. */
  readonly sent: readonly (readonly [OddMode, readonly DoneAct[]])[]
  /** With these nobody knows, and nothing comes into a block. */
  readonly doubtful: readonly (readonly [OddMode, DoneAct])[]
}

/** Money whose fate the page does not know, on the Wallet page of a real browser. */
export function testDoubt({ faults, closings, sent, doubtful }: DoubtCases): void {
  // npm brings anvil for Linux on x64 alone: elsewhere these wait for a Foundry installation.
  describe.skipIf(findAnvil() === undefined)('money in doubt on the Wallet page (needs anvil)', () => {
    let network: MoneyNetwork
    let desks: readonly PreparedDesk[]

    beforeAll(async () => {
      network = await startMoneyNetwork({ hasFaucet: false })
      const maker = new DeskMaker(testChainOf(network))
      const namesOf = (way: string, acts: readonly DoneAct[]) => acts.map((act) => `${way}:${act}`)
      const odd = [
        ...sent.flatMap(([mode, acts]) => namesOf(mode, acts)),
        ...doubtful.map((of) => of.join(':')),
      ]
      const tab = [
        ...faults.flatMap(([fault, acts]) => namesOf(fault, acts)),
        ...closings.flatMap(([way, , acts]) => namesOf(way, acts)),
        'anew:send',
      ]
      desks = await maker.prepare([...tab, ...odd].map((name) => ({ name, act: doneOf(name) })))
      // A claim here is the tip of somebody else's voucher, which waits on the chain and not in the tab: it takes two.
      const claims = desks.filter(({ act }) => act === 'claim')
      const escrow = network.network.escrows[0]!.escrow
      for (const [i, { account }] of claims.entries()) {
        const { voucher } = claims[(i + 1) % claims.length]!.order
        await sendAs(network, account.address, escrow, encodeClaim(voucher ? [voucher] : []))
      }
      for (const { name, account } of desks) if (odd.includes(name)) await maker.play(account.address)
      for (const { name, account } of desks) before.set(name, await standing(account.address))
    })
    afterAll(() => network[Symbol.asyncDispose]())

    const before = new Map<string, Standing>()
    const deskOf = (name: string): PreparedDesk => desks.find((desk) => desk.name === name)!

    async function standing(address: Address): Promise<Standing> {
      const {
        control,
        network: { escrows },
      } = network
      const { asset, escrow } = escrows[0]!
      const [count, balance, credit] = await Promise.all([
        control.getTransactionCount({ address }),
        control.readContract({ address: asset, abi: erc20Abi, functionName: 'balanceOf', args: [address] }),
        control.readContract({ address: escrow, abi: escrowAbi, functionName: 'creditOf', args: [address] }),
      ])
      return { count, balance, credit }
    }

    /** What the account has sent and gained since it was made ready. */
    async function moved(name: string): Promise<{ readonly sent: number; readonly gained: bigint }> {
      const now = await standing(deskOf(name).account.address)
      const was = before.get(name)!
      return { sent: now.count - was.count, gained: now.balance - was.balance }
    }

    function once(name: string, kind: 'tab' | 'odd'): { readonly sent: number; readonly gained: bigint } {
      const { moves, steps } = pageAct(doneOf(name))
      return { sent: steps[kind], gained: moves === undefined ? before.get(name)!.credit : parseEther(moves) }
    }

    const isNode = (url: URL): boolean =>
      url.pathname === '/rpc' || url.origin === new URL(network.rpcUrl).origin
    const walletUrl = (): string => new URL('/wallet', network.relay.url).href

    /** A profile whose wallet is that key, and the way to its nodes. */
    async function openTabWallet(of: PreparedDesk, context = {}): Promise<Opened> {
      let line: PageLine | undefined
      const prepare = async (profile: BrowserContext) => (line = await lineOf(profile, isNode))
      const wallet = new WalletPage(await openTab(network.browser, walletUrl(), { context, prepare }))
      await wallet.ready()
      await wallet.importKey(of.key)
      await standsFor(wallet, of)
      await readied(wallet, of)
      return { wallet, line: line! }
    }

    async function openOdd(of: PreparedDesk, mode: OddMode, context = {}): Promise<WalletPage> {
      const { chainId } = network.network
      const style = mode.length % 2 ? 'plain-errors' : 'usual'
      const init = {
        ...ODD,
        rpcUrl: network.rpcUrl,
        chainId,
        accounts: [of.account.address],
        style,
        canBatch: false,
      } as const
      const prepare = (profile: BrowserContext) => profile.addInitScript(installOddWallet, init)
      const wallet = new WalletPage(await openTab(network.browser, walletUrl(), { context, prepare }))
      await wallet.ready()
      await wallet.connect(ODD.name)
      await standsFor(wallet, of)
      await readied(wallet, of)
      await wallet.page.evaluate(setMode, [ODD.name, mode] as const)
      return wallet
    }

    async function standsFor({ page }: WalletPage, { account }: PreparedDesk): Promise<void> {
      await expect
        .poll(() => page.getByTestId('wallet-menu').innerText(), PATIENCE)
        .toContain(account.address.slice(-4))
      await page.locator('[data-testid=wallet][data-read=true]').waitFor({ state: 'attached' })
      await page.getByTestId('balance').waitFor()
    }

    async function readied(wallet: WalletPage, { name, account }: PreparedDesk): Promise<void> {
      const { ready } = pageAct(doneOf(name))
      if (!ready) return
      await ready(wallet)
      before.set(name, await standing(account.address))
    }

    /** The same profile's page anew, after the old one was closed. */
    async function reopen(old: WalletPage, of: PreparedDesk): Promise<WalletPage> {
      const profile = old.page.context()
      await old.page.close()
      const page = await profile.newPage()
      await page.goto(walletUrl())
      const wallet = new WalletPage({ page, errors: [], close: () => profile.close() })
      await wallet.ready()
      await standsFor(wallet, of)
      return wallet
    }

    it.each(faults)(
      'is moved once by the key in the tab when a node does this to it: %s',
      async (fault, acts) => {
        await each(acts, async (act) => {
          const name = `${fault}:${act}`
          const { wallet, line } = await openTabWallet(deskOf(name), fault === 'dies' ? PHONE : {})
          line.fault = fault
          await ACTS[act].press(wallet)
          await stage(wallet, 'unknown')
          await saysUnknown(wallet, 'Try again')
          await pressThrice(wallet)
          await saysUnknown(wallet, 'Try again')
          await line.mend()
          await ended(wallet, act)
          expect(await moved(name), name).toEqual(once(name, 'tab'))
          await wallet.page.reload()
          await wallet.ready()
          await wallet.entry(ACTS[act].title, 'confirmed').waitFor()
          expect(await wallet.page.getByTestId('act-again').count(), 'nothing is left to press').toBe(0)
          await wallet.tab.close()
        })
      },
    )

    it.each(closings)('is moved once by the key in the tab when its page is %s', async (way, fault, acts) => {
      await each(acts, async (act) => {
        const name = `${way}:${act}`
        const { wallet, line } = await openTabWallet(deskOf(name))
        line.fault = fault
        await ACTS[act].press(wallet)
        await expect.poll(() => line.isMet, PATIENCE).toBe(true)
        await wallet.page.close()
        await line.mend()
        const again = await reopen(wallet, deskOf(name))
        await pressUntilOver(again, act)
        const { sent, gained } = once(name, 'tab')
        const isPart = sent > 1
        const row = again.entry(ACTS[act].title, isPart ? 'done in part' : 'confirmed')
        await row.waitFor()
        expect(await moved(name), name).toEqual(isPart ? { sent: 1, gained: 0n } : { sent, gained })
        await again.tab.close()
      })
    })

    it.each(sent)('is moved once by a wallet that sends it and answers badly: %s', async (mode, acts) => {
      await each(acts, async (act) => {
        const name = `${mode}:${act}`
        const wallet = await openOdd(deskOf(name), mode)
        await ACTS[act].press(wallet)
        await pressUntilOver(wallet, act)
        await wallet.entry(ACTS[act].title, 'confirmed').waitFor()
        expect(await moved(name), name).toEqual(once(name, 'odd'))
        await wallet.page.reload()
        await wallet.ready()
        await wallet.entry(ACTS[act].title, 'confirmed').waitFor()
        await wallet.tab.close()
      })
    })

    it('is not sent anew while nobody knows what a wallet did, and the page does not say that it knows', async () => {
      await each(doubtful, async ([mode, act]) => {
        const name = `${mode}:${act}`
        const wallet = await openOdd(deskOf(name), mode, PHONE)
        const { page } = wallet
        await ACTS[act].press(wallet)
        await stage(wallet, mode === 'hang' ? 'asking' : 'sent')
        if (mode === 'hang') await wallet.act.getByRole('button', { name: 'Don’t wait for it' }).click()
        // From now on it would send whatever it is asked for.
        await page.reload()
        await wallet.ready()
        await wallet.act.waitFor()
        await page.evaluate(goOn, 120_000)
        await stage(wallet, mode === 'gap' ? 'stuck' : 'unknown')
        if (mode !== 'gap') await saysUnknown(wallet, 'Look again')
        await pressThrice(wallet)
        const row = wallet.entry(ACTS[act].title)
        await row.waitFor()
        expect(await row.innerText()).toMatch(/unknown|the wallet was asked|sent, waiting/)
        expect(await moved(name), name).toEqual({ sent: 0, gained: 0n })
        const asked = await page.evaluate((of) => (window as unknown as Odd).oddWallets[of]!.asked, ODD.name)
        expect(asked, 'nothing was asked of it again').not.toContain('eth_sendTransaction')
        await wallet.tab.close()
      })
    })

    it('warns of one that is hidden in doubt, and gives the next its number, so that both never count', async () => {
      const name = 'anew:send'
      const { wallet, line } = await openTabWallet(deskOf(name), PHONE)
      const { page } = wallet
      line.fault = 'cut'
      await ACTS.send.press(wallet)
      await stage(wallet, 'unknown')
      await wallet.act.getByRole('button', { name: 'Hide this' }).click()
      await line.mend()
      await page.getByTestId('send-money').click()
      const warning = page.getByTestId('undecided')
      await warning.waitFor()
      expect(await warning.innerText()).toMatch(/30\.00 INF.*is not decided.*only one of the two can count/s)
      await page.keyboard.press('Escape')
      await page.getByRole('dialog').waitFor({ state: 'hidden' })
      await ACTS.send.press(wallet)
      await stage(wallet, 'mined')
      await wallet.entry('Sent', 'confirmed').waitFor()
      await page.reload() // it is looked at sooner then
      await wallet.ready()
      await wallet.entry('Sent', 'never took effect').waitFor()
      await wallet.entry('Sent', 'confirmed').waitFor()
      expect(await moved(name)).toEqual(once(name, 'tab'))
      await wallet.tab.close()
    })
  })
}

interface Standing {
  readonly count: number
  readonly balance: bigint
  readonly credit: bigint
}

interface Opened {
  readonly wallet: WalletPage
  readonly line: PageLine
}

type Odd = Window & { readonly oddWallets: Readonly<Record<string, OddWallet>> }

function setMode([name, mode]: readonly [string, OddMode]): void {
  ;(window as unknown as Odd).oddWallets[name]!.mode = mode
}

/** Time goes on in the page, and its timers stay what they are. */
function goOn(ms: number): void {
  const now = performance.now.bind(performance)
  performance.now = () => now() + ms
}

/** Some at once: most of their time is waiting. */
async function each<T>(of: readonly T[], what: (one: T) => Promise<void>): Promise<void> {
  const rest = [...of]
  const worker = async (): Promise<void> => {
    for (let one = rest.shift(); one !== undefined; one = rest.shift()) await what(one)
  }
  await Promise.all(Array.from({ length: 6 }, worker))
}

function doneOf(name: string): DoneAct {
  return name.split(':')[1] as DoneAct
}

async function stage(wallet: WalletPage, which: string): Promise<void> {
  try {
    await wallet.page
      .locator(`[data-testid=act][data-stage=${which}]`)
      .waitFor({ state: 'attached', timeout: 40_000 })
  } catch (cause) {
    const { page } = wallet
    const rows = await page.getByTestId('entry-row').allInnerTexts()
    const seen = [await page.getByTestId('act').allInnerTexts(), ...rows].join(' | ')
    throw new Error(`it is not ${which} but ${seen}`, { cause })
  }
}

async function saysUnknown(wallet: WalletPage, button: string): Promise<void> {
  const said = await wallet.act.innerText()
  expect(said).toContain('we don’t know whether it was sent.')
  expect(said).toContain('may have')
  expect(said).not.toMatch(/No money moved|Nothing (has )?moved/)
  expect(await wallet.act.getByTestId('act-again').innerText()).toBe(button)
  const over = await wallet.page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  expect(over, 'it is wider than the screen').toBeLessThanOrEqual(0)
}

/** Whatever button the page offers for it, three times. */
async function pressThrice({ page }: WalletPage): Promise<void> {
  const button = page.getByTestId('act-again')
  for (let i = 0; i < 3 && (await button.count()) > 0; i++) {
    await button.click({ timeout: 2000 }).catch(() => undefined) // it may be over in this very moment
    await page.waitForTimeout(150)
  }
}

/** Until the chain has decided, which the page may find before anybody presses. */
async function pressUntilOver(wallet: WalletPage, act: DoneAct): Promise<void> {
  await expect
    .poll(async () => {
      await pressThrice(wallet)
      return wallet.entry(ACTS[act].title).innerText()
    }, PATIENCE)
    .toMatch(/confirmed|final|done in part/)
}

async function ended(wallet: WalletPage, act: DoneAct): Promise<void> {
  await stage(wallet, 'mined')
  await wallet.entry(ACTS[act].title, 'confirmed').waitFor()
  expect(await wallet.entry(ACTS[act].title).count(), 'one entry').toBe(1)
}
