import { encodeFunctionData, erc20Abi, parseAbi, toFunctionSelector } from 'viem'
import { expect, it } from 'vitest'
import { escrowAbi } from '../abi/escrow.ts'
import { modelsAbi } from '../abi/models.ts'
import { stakeAbi } from '../abi/stake.ts'
import { timelockAbi } from '../abi/timelock.ts'
import { forwardedCalls } from './forwarded-calls.ts'
import type { NetworkFile } from './network-file.ts'

const at = (digit: string) => `0x${digit.repeat(40)}` as const
const NETWORK: NetworkFile = {
  ...{ version: 1, name: 'Test', chainId: 1, rpcUrls: [], isTest: false, nativeSymbol: 'ETH' },
  ...{ blockSeconds: 1, deployBlock: 0 },
  contracts: { timelock: at('1'), token: at('A'), models: at('3'), stake: at('4'), treasury: at('5') },
  escrows: [
    { asset: at('a'), escrow: at('b'), symbol: 'INF', decimals: 18 },
    { asset: at('c'), escrow: at('d'), symbol: 'USDT', decimals: 6 },
  ],
}
const kindOf = forwardedCalls(NETWORK)

it('knows every function of our contracts: as reads, as acts, and as what does many things at once', () => {
  const many = new Set(['claim', 'claimToPot', 'jail', 'unjail'])
  for (const [address, abi] of [
    [at('3'), modelsAbi],
    [at('4'), stakeAbi],
    [at('b'), escrowAbi],
    [at('d'), escrowAbi],
  ] as const)
    for (const item of abi) {
      if (item.type !== 'function') continue
      const isView = ['view', 'pure'].includes(item.stateMutability)
      const act = many.has(item.name) ? 'many' : 'act'
      const kind = item.name === 'claimable' ? 'check' : isView ? 'read' : act
      expect([item.name, kindOf(address, `${toFunctionSelector(item)}00`)]).toEqual([item.name, kind])
    }
})

it('knows the parts of ERC-20 and of permits of each asset, however its address is written', () => {
  const owner = at('e')
  const balanceOf = encodeFunctionData({ abi: erc20Abi, functionName: 'balanceOf', args: [owner] })
  for (const asset of [at('a'), at('A'), at('c')]) expect(kindOf(asset, balanceOf)).toBe('read')
  expect(kindOf(at('c'), toFunctionSelector('nonces(address)'))).toBe('read')
  expect(kindOf(at('c'), toFunctionSelector('eip712Domain()'))).toBe('read')
  expect(kindOf(at('c'), toFunctionSelector('approve(address,uint256)'))).toBe('act')
  expect(kindOf(at('c'), toFunctionSelector('transfer(address,uint256)'))).toBe('act')
})

it('mints on test chains alone', () => {
  const mint = toFunctionSelector(parseAbi(['function mint(address to, uint256 amount)'])[0])
  expect(kindOf(at('c'), mint)).toBeUndefined()
  expect(forwardedCalls({ ...NETWORK, isTest: true })(at('c'), mint)).toBe('act')
})

it('knows nothing of other contracts, of the timelock, and of data that is no call of ours', () => {
  const balanceOf = toFunctionSelector('balanceOf(address)')
  expect(kindOf(at('f'), balanceOf)).toBeUndefined()
  expect(kindOf(at('b'), balanceOf)).toBeUndefined()
  expect(kindOf(at('5'), balanceOf)).toBeUndefined()
  expect(kindOf(at('c'), '0x70a082')).toBeUndefined()
  expect(kindOf(at('c'), '0x12345678')).toBeUndefined()
  const execute = timelockAbi.find((item) => item.type === 'function' && item.name === 'execute')
  expect(kindOf(at('1'), toFunctionSelector(execute as never))).toBeUndefined()
})

it('takes a transfer of the coin to anybody', () => {
  expect([kindOf(at('f'), '0x'), kindOf(at('b'), '0x')]).toEqual(['coin', 'coin'])
})
