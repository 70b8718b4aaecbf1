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

  it('takes no name and no symbol that would show otherwise than it is written', () => {
    const [escrow] = file.escrows
    for (const bad of ['ETH\u202e', 'E\u200bTH', 'ETH\n', '\x1b[31mETH', 'ETH\u3164', 'E\u0301TH'])
      for (const [field, wrong] of [
        ['name', { ...file, name: bad }],
        ['nativeSymbol', { ...file, nativeSymbol: bad }],
        ['escrows.0.symbol', { ...file, escrows: [{ ...escrow, symbol: bad }] }],
      ] as const)
        expect(() => parseNetworkFile(wrong), `${field} ${JSON.stringify(bad)}`).toThrow(
          expect.objectContaining({ facts: { field } }),
        )
    expect(() => parseNetworkFile({ ...file, nativeSymbol: 'two words' })).toThrow(/nativeSymbol/)
    expect(() => parseNetworkFile({ ...file, name: 'Réseau 以太坊 (test)' })).not.toThrow()
  })

  it('takes no address with characters that do not show', () => {
    for (const url of ['https://rpc.example/\u202ea', 'https://rpc.\nexample/', 'https://rpc.example/\u200b'])
      expect(() => parseNetworkFile({ ...file, rpcUrls: [url] })).toThrow(/rpcUrls/)
    expect(() => parseNetworkFile({ ...file, explorerUrl: 'https://x.example/\u2066' })).toThrow(
      /explorerUrl/,
    )
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
