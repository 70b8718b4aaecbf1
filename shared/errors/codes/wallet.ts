import { inBrackets, type Codes } from './entry.ts'

export const WALLET_CODES = {
  'wallet.unreachable': {
    says: () => 'No node of the chain answers.',
    fix: 'Check the connection.',
    example: {},
  },
  'wallet.foreign-node': {
    says: (f) =>
      `The node answers for chain ${f.got ?? '?'}; this network settles on chain ${f.wanted ?? '?'}.`,
    fix: 'Use another node. Nothing is sent to this one.',
    example: { got: 1, wanted: 31_337 },
  },
  'wallet.rejected': {
    says: () => 'You declined the signature.',
    fix: 'Your wallet says that it sent nothing. Sign again when you like.',
    example: {},
  },
  'wallet.wrong-chain': {
    says: () => 'Your wallet is on another chain.',
    fix: 'Switch it to the chain of this network.',
    example: {},
  },
  'wallet.no-gas': {
    says: (f) =>
      f.needed === undefined
        ? 'This wallet cannot pay the network fee.'
        : `The network fee is about ${f.needed}; this wallet has ${f.has ?? '?'}.`,
    fix: 'Get some of the coin that pays fees, then try again.',
    example: { needed: '0.002 ETH', has: '0.001 ETH' },
  },
  'wallet.reverted': {
    says: (f) => `The contract refused: ${f.reason ?? 'it did not say why'}.`,
    fix: 'It moved no money; a network fee may be due.',
    example: { reason: 'deposits are paused; withdrawing works' },
  },
  'wallet.replaced': {
    says: () => 'Another transaction of this wallet took the place of this one.',
    fix: 'This one moved no money. Look at what the other one did before you send this one again.',
    example: {},
  },
  'wallet.waiting': {
    says: () => 'Your wallet is already asking you something.',
    fix: 'Open your wallet and answer it. What you sign there counts.',
    example: {},
  },
  'wallet.silent': {
    says: (f) => `Your wallet has not answered for ${f.minutes ?? '?'} minutes.`,
    fix: 'Look into your wallet before you send it again: what you sign there still counts.',
    example: { minutes: 5 },
  },
  'wallet.unsupported': {
    says: (f) => `Your wallet cannot do this${inBrackets(f.method)}.`,
    fix: 'Use another wallet.',
    example: { method: 'sign' },
  },
  'wallet.disconnected': {
    says: () => 'Your wallet gives no account.',
    fix: 'Unlock it and connect again.',
    example: {},
  },
  'wallet.failed': {
    says: (f) => `Something failed in the wallet${inBrackets(f.reason)}.`,
    fix: 'Look into your wallet before you try again.',
    example: { reason: 'it was given up' },
  },
  'wallet.unknown': {
    says: () => 'It is not known yet whether a transaction of this wallet was sent.',
    fix: 'Look for it on the chain before you send it again.',
    example: {},
  },
  'wallet.nowhere': {
    says: () => 'It was sent, but no node of the chain knows it.',
    fix: 'It may still come into a block. Do not send it again before you know.',
    example: {},
  },
  'wallet.not-sent': {
    says: () => 'Your wallet says that it did not send it.',
    fix: 'Try again when you like.',
    example: {},
  },
  'wallet.no-answer': {
    says: () => 'Your wallet does not answer.',
    fix: 'Open it, then try again.',
    example: {},
  },
  'wallet.part-done': {
    says: () => 'It was interrupted after a part of it was done.',
    fix: 'Begin it again for the rest. What is done already is not done twice.',
    example: {},
  },
  'wallet.other-account': {
    says: () => 'Your wallet has changed to another account.',
    fix: 'Nothing more was sent. Change back, or begin again with this account.',
    example: {},
  },
  'wallet.other-paid': {
    says: (f) => `Your wallet sent this from another account${inBrackets(f.account)}.`,
    fix: 'What was sent counts, and that account paid. Look at it before you send this again.',
    example: { account: '0x00000000000000000000000000000000000000A1' },
  },
  'wallet.cause-gone': {
    says: () => 'It could not be done; what stood in the way is gone.',
    fix: 'Try again when you like. What is done already is not done twice.',
    example: {},
  },
  'wallet.node-error': {
    says: (f) => `A node of the chain answered with an error${inBrackets(f.reason)}.`,
    fix: 'Try again in a moment. If it stays, use another node.',
    example: { reason: 'number -32000' },
  },
  'wallet.no-record': {
    says: () => 'What is to be sent could not be written down, so it was not sent.',
    fix: 'Free some storage, then try again.',
    example: {},
  },
  'wallet.bad-key': {
    says: () => 'This is not a private key.',
    fix: 'A key has 64 digits from 0 to 9 and a to f, with or without 0x in front.',
    example: {},
  },
  'wallet.key-lost': {
    says: () => 'The key of this wallet cannot be opened any more.',
    fix: 'Import the key from your copy, or make a new wallet.',
    example: {},
  },
  'wallet.locked': {
    says: () => 'The wallet is locked and was not opened, so it signed nothing.',
    fix: 'Try again, and open it when it asks.',
    example: {},
  },
  'wallet.wrong-passphrase': {
    says: () => 'This does not open the wallet.',
    fix: 'Try again. If it is lost, import the key from your copy with a new passphrase: that sets a new lock.',
    example: {},
  },
  'wallet.weak-passphrase': {
    says: (f) => `A passphrase has ${f.least ?? '?'} to ${f.most ?? '?'} characters.`,
    fix: 'Take four or more words that nobody would guess.',
    example: { least: 10, most: 256 },
  },
  'wallet.passphrases-differ': {
    says: () => 'The two passphrases are not the same.',
    fix: 'Type it again.',
    example: {},
  },
  'wallet.no-lock': {
    says: () => 'This wallet holds more than a small amount, and no passphrase locks it.',
    fix: 'Lock it with a passphrase, then try again.',
    example: {},
  },
  'wallet.no-passkey': {
    says: () => 'No passkey was made, so nothing was locked.',
    fix: 'Try again, or use a passphrase.',
    example: {},
  },
  'wallet.keyless-passkey': {
    says: () => 'Passkeys give no key here (PRF is missing), so none of them opens a wallet.',
    fix: 'Use a passphrase. If the device now lists a passkey for an Infernet wallet, delete it: it opens nothing.',
    example: {},
  },
  'wallet.passkey-not-given': {
    says: () => 'The passkey was not given, so the wallet stays locked and signed nothing.',
    fix: 'Try again. If it is lost, import the key from your copy with a passphrase: that sets a new lock.',
    example: {},
  },
  'wallet.no-name': {
    says: () => 'No name is kept here to stake for.',
    fix: 'Stake where data is kept; a private window keeps none.',
    example: {},
  },
  'wallet.no-storage': {
    says: () => 'A key cannot be kept here.',
    fix: 'Make it where something is kept, or connect a wallet.',
    example: {},
  },
  'wallet.faucet-refused': {
    says: (f) => `The faucet gave nothing${f.reason ? `: ${f.reason}` : ''}.`,
    fix: 'Try again later, or ask somebody who has some.',
    example: { reason: 'no answer' },
  },
  'wallet.faucet-silent': {
    says: () => 'The faucet has not answered.',
    fix: 'It may have sent test money all the same: look at the balance before you ask again.',
    example: {},
  },
} as const satisfies Codes
