import { decodeFunctionData, type Hex } from 'viem'
import { describe, expect, it } from 'vitest'
import { escrowAbi } from '../abi/escrow.ts'
import { encodeClaim, type ChainVoucher } from './encode-claim.ts'

const COMPACT: Hex = `0x${'11'.repeat(32)}${'22'.repeat(32)}`

function entry(voucher: Partial<ChainVoucher['voucher']> = {}, signature = COMPACT): ChainVoucher {
  const of = (byte: string): Hex => `0x${byte.repeat(20)}`
  const line = {
    payer: of('aa'),
    provider: of('bb'),
    model: `0x${'cc'.repeat(32)}`,
    relay: of('dd'),
  } as const
  return { voucher: { ...line, epoch: 3, cumulative: 7n, ...voucher }, signer: of('ee'), signature }
}

function decoded(batch: readonly ChainVoucher[]) {
  return decodeFunctionData({ abi: escrowAbi, data: encodeClaim(batch) })
}

describe('the call that claims', () => {
  it('says pot and signatures once and short where all vouchers go to one', () => {
    const [first, second] = [
      entry(),
      entry({ payer: `0x${'12'.repeat(20)}`, epoch: 0, cumulative: 2n ** 96n - 1n }),
    ]
    const { functionName, args } = decoded([first, second])
    expect(functionName).toBe('claimToPot')
    const [provider, model, relay, entries] = args as Extract<
      ReturnType<typeof decoded>,
      { functionName: 'claimToPot' }
    >['args']
    const back = entries.map(({ payer, epoch, cumulative, signer, signature: [r, vs] }) => ({
      voucher: { payer, provider, model, relay, epoch, cumulative },
      signer,
      signature: `${r}${vs.slice(2)}`,
    }))
    expect(lower(back)).toEqual(lower([first, second]))
  })

  it.each([
    ['another provider', entry({ provider: `0x${'01'.repeat(20)}` })],
    ['another model', entry({ model: `0x${'01'.repeat(32)}` })],
    ['another relay', entry({ relay: `0x${'01'.repeat(20)}` })],
    ['a longer signature', entry({}, `${COMPACT}1b`)],
  ])('sends vouchers as they are with %s among them', (_, other) => {
    const batch = [entry(), entry(), other]
    const { functionName, args } = decoded(batch)
    expect(functionName).toBe('claim')
    expect(lower(args[0])).toEqual(lower(batch))
  })

  it('takes an address in another case for the same', () => {
    expect(decoded([entry(), entry({ provider: `0x${'BB'.repeat(20)}` })]).functionName).toBe('claimToPot')
  })

  it('leaves it to the contract to refuse nothing at all', () => {
    expect(decoded([]).functionName).toBe('claim')
  })
})

/** Addresses come back with the case of their checksum. */
function lower(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, field: unknown) =>
      typeof field === 'bigint' ? `${field}` : field,
    ).toLowerCase(),
  )
}
