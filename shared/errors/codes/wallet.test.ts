import { expect, it } from 'vitest'
import { sentencesOf } from '../../testing/sentences.ts'
import { WALLET_CODES } from './wallet.ts'

it('the failures of wallet read well', () => {
  expect(sentencesOf(WALLET_CODES)).toMatchInlineSnapshot(`
    "
    wallet.unreachable
      No node of the chain answers.
      fix: Check the connection.
    wallet.foreign-node
      The node answers for chain 1; this network settles on chain 31337.
      bare: The node answers for chain ?; this network settles on chain ?.
      fix: Use another node. Nothing is sent to this one.
    wallet.rejected
      You declined the signature.
      fix: Your wallet says that it sent nothing. Sign again when you like.
    wallet.wrong-chain
      Your wallet is on another chain.
      fix: Switch it to the chain of this network.
    wallet.no-gas
      The network fee is about 0.002 ETH; this wallet has 0.001 ETH.
      bare: This wallet cannot pay the network fee.
      fix: Get some of the coin that pays fees, then try again.
    wallet.reverted
      The contract refused: deposits are paused; withdrawing works.
      bare: The contract refused: it did not say why.
      fix: It moved no money; a network fee may be due.
    wallet.replaced
      Another transaction of this wallet took the place of this one.
      fix: This one moved no money. Look at what the other one did before you send this one again.
    wallet.waiting
      Your wallet is already asking you something.
      fix: Open your wallet and answer it. What you sign there counts.
    wallet.silent
      Your wallet has not answered for 5 minutes.
      bare: Your wallet has not answered for ? minutes.
      fix: Look into your wallet before you send it again: what you sign there still counts.
    wallet.unsupported
      Your wallet cannot do this (sign).
      bare: Your wallet cannot do this.
      fix: Use another wallet.
    wallet.disconnected
      Your wallet gives no account.
      fix: Unlock it and connect again.
    wallet.failed
      Something failed in the wallet (it was given up).
      bare: Something failed in the wallet.
      fix: Look into your wallet before you try again.
    wallet.unknown
      It is not known yet whether a transaction of this wallet was sent.
      fix: Look for it on the chain before you send it again.
    wallet.nowhere
      It was sent, but no node of the chain knows it.
      fix: It may still come into a block. Do not send it again before you know.
    wallet.not-sent
      Your wallet says that it did not send it.
      fix: Try again when you like.
    wallet.no-answer
      Your wallet does not answer.
      fix: Open it, then try again.
    wallet.part-done
      It was interrupted after a part of it was done.
      fix: Begin it again for the rest. What is done already is not done twice.
    wallet.other-account
      Your wallet has changed to another account.
      fix: Nothing more was sent. Change back, or begin again with this account.
    wallet.other-paid
      Your wallet sent this from another account (0x00000000000000000000000000000000000000A1).
      bare: Your wallet sent this from another account.
      fix: What was sent counts, and that account paid. Look at it before you send this again.
    wallet.cause-gone
      It could not be done; what stood in the way is gone.
      fix: Try again when you like. What is done already is not done twice.
    wallet.node-error
      A node of the chain answered with an error (number -32000).
      bare: A node of the chain answered with an error.
      fix: Try again in a moment. If it stays, use another node.
    wallet.no-record
      What is to be sent could not be written down, so it was not sent.
      fix: Free some storage, then try again.
    wallet.bad-key
      This is not a private key.
      fix: A key has 64 digits from 0 to 9 and a to f, with or without 0x in front.
    wallet.key-lost
      The key of this wallet cannot be opened any more.
      fix: Import the key from your copy, or make a new wallet.
    wallet.locked
      The wallet is locked and was not opened, so it signed nothing.
      fix: Try again, and open it when it asks.
    wallet.wrong-passphrase
      This does not open the wallet.
      fix: Try again. If it is lost, import the key from your copy with a new passphrase: that sets a new lock.
    wallet.weak-passphrase
      A passphrase has 10 to 256 characters.
      bare: A passphrase has ? to ? characters.
      fix: Take four or more words that nobody would guess.
    wallet.passphrases-differ
      The two passphrases are not the same.
      fix: Type it again.
    wallet.no-lock
      This wallet holds more than a small amount, and no passphrase locks it.
      fix: Lock it with a passphrase, then try again.
    wallet.no-passkey
      No passkey was made, so nothing was locked.
      fix: Try again, or use a passphrase.
    wallet.keyless-passkey
      Passkeys give no key here (PRF is missing), so none of them opens a wallet.
      fix: Use a passphrase. If the device now lists a passkey for an Infernet wallet, delete it: it opens nothing.
    wallet.passkey-not-given
      The passkey was not given, so the wallet stays locked and signed nothing.
      fix: Try again. If it is lost, import the key from your copy with a passphrase: that sets a new lock.
    wallet.no-name
      No name is kept here to stake for.
      fix: Stake where data is kept; a private window keeps none.
    wallet.no-storage
      A key cannot be kept here.
      fix: Make it where something is kept, or connect a wallet.
    wallet.faucet-refused
      The faucet gave nothing: no answer.
      bare: The faucet gave nothing.
      fix: Try again later, or ask somebody who has some.
    wallet.faucet-silent
      The faucet has not answered.
      fix: It may have sent test money all the same: look at the balance before you ask again.
    "
  `)
})
