/** What can be opened over the wallet. */
export type WalletDialog =
  | 'deposit'
  | 'receive'
  | 'send'
  | 'connect'
  | 'export'
  | 'import'
  | 'lock'
  | 'make'
  | 'stake'
  | 'withdraw'
  | 'revoke'
