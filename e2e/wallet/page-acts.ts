import type { WalletPage } from '../pages/wallet-page.ts'

/** An act as it is done by the page's own buttons. */
interface PageAct {
  readonly title: string
  /** What goes into the account when it is done once, in INF; of a claim the chain says it. */
  readonly moves: string | undefined
  /** Transactions with the key in the tab, and with a wallet that signs no permit. */
  readonly steps: { readonly tab: number; readonly odd: number }
  /** Done well before, where the page has to be in some state. */
  readonly ready?: (wallet: WalletPage) => Promise<void>
  press(wallet: WalletPage): Promise<void>
}

const ONE = { tab: 1, odd: 1 }
export const ACTS = {
  send: {
    ...{ title: 'Sent', moves: '-30', steps: ONE },
    press: (wallet) => wallet.send('0x00000000000000000000000000000000000000aa', '30'),
  },
  deposit: {
    ...{ title: 'Added to deposit', moves: '-20', steps: { tab: 1, odd: 2 } },
    press: (wallet) => wallet.deposit('20'),
  },
  stake: {
    ...{ title: 'Staked', moves: '-150', steps: { tab: 2, odd: 2 } },
    press: (wallet) => wallet.changeStake('first', '150'),
  },
  unbond: {
    ...{ title: 'Unbonding began', moves: '0', steps: ONE },
    press: (wallet) => wallet.changeStake('Take back', '20'),
  },
  revoke: {
    ...{ title: 'Session key revoked', moves: '0', steps: ONE },
    ready: async (wallet) => {
      await wallet.deposit('20')
      await wallet.done()
    },
    press: (wallet) => wallet.sure('revoke'),
  },
  withdraw: {
    ...{ title: 'Deposit withdrawn', moves: '20', steps: ONE },
    press: (wallet) => wallet.page.getByTestId('finish-withdrawal').click(),
  },
  claim: {
    ...{ title: 'Claimed', moves: undefined, steps: ONE },
    press: (wallet) => wallet.page.getByTestId('claim').click(),
  },
} satisfies Record<string, PageAct>
export type DoneAct = keyof typeof ACTS
export const pageAct = (name: DoneAct): PageAct => ACTS[name]
