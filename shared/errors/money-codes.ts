import type { Entry } from './entry.ts'

/** The failures of payment, chain, faucet and wallet: a part of the table in `code-table.ts`. */
export const MONEY_CODES = {
  'settle.bad-network-file': {
    says: (f) => `The network file is not as it should be (${f.field ?? 'file'}).`,
    fix: 'Write it anew with the deploy script.',
  },
  'payment.required': {
    says: () => 'This provider is paid, and nothing came to pay it with.',
    fix: 'Make a deposit on the Wallet page, or ask a provider that works for nothing.',
  },
  'payment.unpaid': {
    says: () => 'The payment for the next block did not come.',
    fix: 'Check the deposit; what was written so far is kept.',
  },
  'payment.debts': {
    says: () => 'This payer left blocks unpaid lately.',
    fix: 'Wait an hour, or ask another provider.',
  },
  'payment.bad-voucher': {
    says: (f) => `A payment is not valid (${f.reason ?? 'unknown'}).`,
    fix: 'Reload the page. If it stays, open a new session on the Wallet page.',
  },
  'payment.stale': {
    says: () => 'A payment is lower than one that was made before.',
    fix: 'Nothing to do: the record of payments catches up. If it stays, another provider is asked.',
  },
  'payment.wrong-payee': {
    says: (f) => `A payment or a price names somebody else (${f.field ?? 'payee'}).`,
    fix: 'Another provider is tried.',
  },
  'payment.wrong-chain': {
    says: () => 'The provider wants to be paid on a chain or a contract that is not known here.',
    fix: 'Another provider is tried. Check that the wallet is on the right network.',
  },
  'payment.not-as-offered': {
    says: () => 'The provider wants to be paid otherwise than its offer said.',
    fix: 'Another provider is tried.',
  },
  'payment.wrong-epoch': {
    says: () => 'The payment belongs to a deposit that was withdrawn.',
    fix: 'Make a new deposit on the Wallet page.',
  },
  'payment.no-session': {
    says: () => 'The key that signs the payments is not authorised on the chain.',
    fix: 'Open a session on the Wallet page, or wait until its transaction is confirmed.',
  },
  'payment.expired-session': {
    says: () => 'The session that signs the payments has run out.',
    fix: 'Open a new session on the Wallet page.',
  },
  'payment.session-spent': {
    says: () => 'The session has spent what it was allowed to.',
    fix: 'Open a new session, or one with a higher cap, on the Wallet page.',
  },
  'payment.no-deposit': {
    says: () => 'The deposit does not cover this.',
    fix: 'Top it up on the Wallet page.',
  },
  'payment.withdrawal-pending': {
    says: () => 'The deposit is being withdrawn, so nothing can be paid from it.',
    fix: 'Cancel the withdrawal on the Wallet page, or make a new deposit: that cancels it, too.',
  },
  'payment.over-limit': {
    says: () => 'This would cost more than your limit for one answer.',
    fix: 'Raise the limit, shorten the prompt or ask for a shorter answer.',
  },
  'payment.chain-unreachable': {
    says: () => 'The chain does not answer, so the deposit cannot be checked.',
    fix: 'Check the connection; it is tried again with the next question.',
  },
  'payment.no-record': {
    says: () => 'The record of payments cannot be read or written here.',
    fix: 'Free some storage and reload the page. Nothing is paid without a record.',
  },
  'chain.none': {
    says: () => 'This relay is attached to no chain.',
    fix: 'Use a relay that is, or an endpoint of your own. Here answers are free.',
  },
  'chain.unavailable': {
    says: () => 'No node of the chain answers.',
    fix: 'Try again in a moment. Nothing is lost: what was signed stays good.',
  },
  'chain.displaced': {
    says: () => 'Another transaction of the same account took the place of this one.',
    fix: 'What it was for is looked at again. Let one program alone use the key.',
  },
  'chain.busy': {
    says: () => 'Too many questions to the chain are waiting at the relay.',
    fix: 'Try again in a moment.',
  },
  'chain.rate-limited': {
    says: () => 'Too many questions to the chain come from this address.',
    fix: 'Wait a moment, or use an endpoint of your own.',
  },
  'chain.method-refused': {
    says: (f) => `The relay does not pass on ${f.method ?? 'this method'}.`,
    fix: 'Ask an endpoint of your own for it.',
  },
  'chain.bad-request': {
    says: (f) => `A question to the chain is not as it may be (${f.field ?? 'request'}).`,
    fix: 'Ask for less at once, or an endpoint of your own.',
  },
  'chain.too-large': {
    says: (f) => `A question to the chain has more than ${f.maxBytes ?? '?'} bytes.`,
    fix: 'Ask for less at once.',
  },
  'chain.not-from-here': {
    says: () => 'Another site, or no JSON, was used to ask the relay.',
    fix: 'Open the page of the relay itself.',
  },
  'faucet.none': {
    says: () => 'This relay gives no test money away.',
    fix: 'Ask its operator, or use a relay with a faucet.',
  },
  'faucet.bad-address': {
    says: () => 'That is not an address of an account on the chain.',
    fix: 'Give 0x and 40 hexadecimal digits.',
  },
  'faucet.enough': {
    says: () => 'This account has test money already.',
    fix: 'Come back when it is used up.',
  },
  'faucet.limited': {
    says: (f) => `Test money was given to this ${f.of ?? 'address'} not long ago.`,
    fix: 'Wait an hour.',
  },
  'faucet.busy': {
    says: () => 'Too many are waiting for test money.',
    fix: 'Try again in a minute.',
  },
  'faucet.empty': {
    says: () => 'The faucet has run dry.',
    fix: "Tell the relay's operator, or use another relay.",
  },
  'faucet.failed': {
    says: () => 'The test money was sent, but the chain did not take it.',
    fix: "Try again; if it stays, tell the relay's operator.",
  },
  'wallet.unreachable': {
    says: () => 'No node of the chain answers.',
    fix: 'The amounts are the last ones that were read. The page keeps trying.',
  },
  'wallet.foreign-node': {
    says: (f) =>
      `The node answers for chain ${f.got ?? '?'}, this network settles on chain ${f.wanted ?? '?'}.`,
    fix: 'Nothing is sent there. Another node is tried.',
  },
  'wallet.rejected': {
    says: () => 'You declined the signature.',
    fix: 'Your wallet says that it sent nothing. Sign again when you like.',
  },
  'wallet.wrong-chain': {
    says: () => 'Your wallet is on another chain.',
    fix: 'Nothing is lost. Switch to go on.',
  },
  'wallet.no-gas': {
    says: (f) => `The network fee is about ${f.needed ?? '?'}, this wallet has ${f.has ?? '?'}.`,
    fix: 'Get some of the coin that pays fees, then try again.',
  },
  'wallet.reverted': {
    says: (f) => `The contract refused: ${f.reason ?? 'it did not say why'}.`,
    fix: 'This transaction moved nothing, the network fee apart.',
  },
  'wallet.replaced': {
    says: () => 'Another transaction of this wallet took the place of this one.',
    fix: 'This one moved nothing and never will. Try again if you still want it.',
  },
  'wallet.waiting': {
    says: () => 'Your wallet is asking you something already.',
    fix: 'Open it and answer, then try again.',
  },
  'wallet.silent': {
    says: (f) => `Your wallet has not answered for ${f.minutes ?? '?'} minutes.`,
    fix: 'Do not send it again before you have looked into your wallet: what you sign there still counts.',
  },
  'wallet.unsupported': {
    says: (f) => `Your wallet cannot do this${f.method ? ` (${f.method})` : ''}.`,
    fix: 'Take another wallet, or the one in this tab.',
  },
  'wallet.disconnected': {
    says: () => 'Your wallet shows this page no account.',
    fix: 'Unlock it and connect again.',
  },
  'wallet.no-answer': {
    says: () => 'Your wallet does not answer.',
    fix: 'Open it or reload this page, then try again.',
  },
  'wallet.failed': {
    says: (f) => `The wallet did not do it${f.reason ? ` (${f.reason})` : ''}.`,
    fix: 'Look into your wallet, then try again.',
  },
  'wallet.unknown': {
    says: () => 'It is not known yet whether a transaction of this wallet was sent.',
    fix: 'The Wallet page looks at the chain for it. Do not send it anew before it shows there.',
  },
  'wallet.nowhere': {
    says: () => 'It was sent, but no node of the chain knows of it.',
    fix: 'It may still come into a block. Do not send it anew before you know.',
  },
  'wallet.not-sent': {
    says: () => 'Your wallet says that it did not send it.',
    fix: 'Try again when you like.',
  },
  'wallet.part-done': {
    says: () => 'The page was closed before all of it was done: a part of it is in a block.',
    fix: 'Begin it again for the rest. What is done already is not done twice.',
  },
  'wallet.other-account': {
    says: () => 'Your wallet has changed to another account.',
    fix: 'Nothing more was sent. Change back, or begin again with this account.',
  },
  'wallet.no-record': {
    says: () => 'This browser cannot write down what is to be sent, so it was not sent.',
    fix: 'Free some disk space, or open the page in an ordinary window, then try again.',
  },
  'wallet.bad-key': {
    says: () => 'This is not a private key.',
    fix: 'A key has 64 digits from 0 to 9 and a to f, with or without 0x in front.',
  },
  'wallet.key-lost': {
    says: () => 'The key of this wallet is here, but the browser cannot open it any more.',
    fix: 'Import the key from your copy, or make a new wallet.',
  },
  'wallet.no-storage': {
    says: () => 'This browser keeps nothing for this page, so a key made here would be lost with the tab.',
    fix: 'Open the page in an ordinary window, or connect a wallet.',
  },
  'wallet.faucet-refused': {
    says: (f) => `The faucet gave nothing${f.reason ? `: ${f.reason}` : ''}.`,
    fix: 'Try again later, or ask somebody who has some.',
  },
  'wallet.faucet-silent': {
    says: () => 'The faucet has not answered.',
    fix: 'It may have sent test money all the same: it shows here when it comes. Try again if it does not.',
  },
  'payment.box-full': {
    says: () => 'The relay keeps as many vouchers as it can.',
    fix: 'Claim them from here, or leave them with another relay.',
  },
} as const satisfies Record<string, Entry>
