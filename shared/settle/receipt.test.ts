import { keccak_256 } from '@noble/hashes/sha3.js'
import { describe, expect, it } from 'vitest'
import { concatBytes, fromHex, toHex, utf8 } from '../base/bytes.ts'
import { chainAddress, jobId, modelHash } from '../base/ids.ts'
import { baseUnits, tokens } from '../base/units.ts'
import { createChainSigner } from './chain-signature.ts'
import { hashReceipt, isReceiptSignedBy, signReceipt, type Receipt } from './receipt.ts'

const escrow = { chainId: 31337, escrow: chainAddress(`0x${'e5'.repeat(20)}`) }
const receipt: Receipt = {
  jobId: jobId('0f'.repeat(16)),
  payer: chainAddress(`0x${'a1'.repeat(20)}`),
  provider: chainAddress(`0x${'b2'.repeat(20)}`),
  model: modelHash('c3'.repeat(32)),
  head: new Uint8Array(32).fill(9),
  promptTokens: tokens(3),
  outputTokens: tokens(100),
  due: baseUnits(1003n),
  paid: baseUnits(1003n),
}

describe('a receipt', () => {
  it('hashes as its type string says', () => {
    const word = (value: bigint | number): Uint8Array => fromHex(value.toString(16).padStart(64, '0'))
    const address = (value: string): Uint8Array => fromHex(value.slice(2).padStart(64, '0'))
    const text = (value: string): Uint8Array => keccak_256(utf8(value))
    const type =
      'Receipt(bytes16 job,address payer,address provider,bytes32 model,bytes32 head,uint32 promptTokens,uint32 outputTokens,uint96 due,uint96 paid)'
    const domain = keccak_256(
      concatBytes(
        text('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)'),
        text('Infernet Escrow'),
        text('1'),
        word(31337),
        address(escrow.escrow),
      ),
    )
    const struct = keccak_256(
      concatBytes(
        text(type),
        fromHex(receipt.jobId.padEnd(64, '0')), // bytes16 is padded on the right
        address(receipt.payer),
        address(receipt.provider),
        fromHex(receipt.model),
        receipt.head,
        word(3),
        word(100),
        word(1003),
        word(1003),
      ),
    )
    const byHand = `0x${toHex(keccak_256(concatBytes(Uint8Array.of(0x19, 0x01), domain, struct)))}`
    expect(hashReceipt(escrow, receipt)).toBe(byHand)
  })

  it('is signed by both sides, and by nobody for another amount', async () => {
    for (const seed of [1, 2]) {
      const signer = createChainSigner(new Uint8Array(32).fill(seed))
      const signature = await signReceipt(escrow, receipt, signer)
      const claim = { signer: signer.address, signature }
      expect(await isReceiptSignedBy(escrow, receipt, claim)).toBe(true)
      expect(await isReceiptSignedBy(escrow, { ...receipt, paid: baseUnits(1n) }, claim)).toBe(false)
    }
  })
})
