import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseNetworkFile } from './network-file.ts'

const address = (digit: string): string => `0x${digit.repeat(40)}`
const file = {
  version: 1,
  name: 'Infernet Local',
  chainId: 31337,
  rpcUrls: ['http://127.0.0.1:8545'],
  isTest: true,
  nativeSymbol: 'ETH',
  blockSeconds: 1,
  deployBlock: 3,
  contracts: {
    timelock: address('1'),
    token: address('2'),
    models: address('3'),
    stake: address('4'),
    treasury: address('5'),
  },
  escrows: [{ asset: address('2'), escrow: address('6'), symbol: 'INF', decimals: 18 }],
}

describe('a network file', () => {
  it('is read as it was written', () => {
    expect(parseNetworkFile(JSON.parse(JSON.stringify(file)))).toEqual(file)
  })

  it('names the field that is wrong', () => {
    const wrong = { ...file, escrows: [{ ...file.escrows[0], escrow: '0x12' }] }
    expect(() => parseNetworkFile(wrong)).toThrow(
      expect.objectContaining({ code: 'settle.bad-network-file', facts: { field: 'escrows.0.escrow' } }),
    )
  })

  it('takes no address that opens something else than http', () => {
    expect(() => parseNetworkFile({ ...file, rpcUrls: ['javascript:alert(1)'] })).toThrow(/rpcUrls/)
  })

  it('refuses anything else by name', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        expect(() => parseNetworkFile(json)).toThrow(
          expect.objectContaining({ code: 'settle.bad-network-file' }),
        )
      }),
    )
  })
})
