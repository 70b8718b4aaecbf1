import type { Address } from 'viem'
import { expect, it } from 'vitest'
import { toHex } from '#shared/base/bytes.ts'
import { signedKeys, type BindingOnChain, type StakeId } from '#shared/chain/bindings.ts'
import { makePeer } from '#shared/testing/peers.ts'
import { createLog } from '../observe/log.ts'
import { tellBinding } from './tell-binding.ts'

const ID: StakeId = { chainId: 31337, stake: `0x${'51'.repeat(20)}` }
const OPERATOR: Address = `0x${'Ab'.repeat(20)}`

it('says a binding that counts for the account of the node, and for no other', async () => {
  const lines: { operator: Address; binding: BindingOnChain }[] = []
  const log = createLog('info', { write: (line) => void lines.push(JSON.parse(line) as (typeof lines)[0]) })
  const { key } = await makePeer()
  await tellBinding({ key, log }, ID, OPERATOR)
  const [told] = lines
  if (!told) throw new Error('nothing was logged')
  expect(told.operator).toBe(OPERATOR)
  const digits = toHex(key.publicKey.raw)
  expect(await signedKeys([told.binding], ID, told.operator)).toEqual({ present: digits, all: [digits] })
  expect((await signedKeys([told.binding], ID, ID.stake)).all).toEqual([])
})
