/** What can be opened over the wallet. */
export type WalletDialog =
  'deposit' | 'receive' | 'send' | 'connect' | 'export' | 'import' | 'stake' | 'withdraw' | 'revoke'
