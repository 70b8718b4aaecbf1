import { encodeFunctionData } from 'viem'
import { tokenAbi } from '#shared/abi/token.ts'
import { erc20Call } from '#shared/chain/calls.ts'
import { INF, type World } from './world.ts'

const ROYALTY_BPS = 500
const LOWER_BPS = 400
const MIT = 1

/** Between people who both have INF. */
export async function measureToken(world: World): Promise<void> {
  const { meter, token } = world
  const [from, to] = [await world.person(), await world.person()]
  const transfer = erc20Call(token, 'transfer', [to.address, INF])
  await meter.measure('approve', from, erc20Call(token, 'approve', [to.address, INF]))
  await meter.measure('transfer', from, transfer)
  const data = encodeFunctionData({ abi: tokenAbi, functionName: 'delegate', args: [from.address] })
  await meter.measure('delegate', from, { to: token, data })
  await meter.measure('transferDelegated', from, transfer)
}

/** A name's whole life. */
export async function measureModels(world: World): Promise<void> {
  const { meter } = world
  const [owner, next] = [await world.person(0n), await world.person(0n)]
  const [first, second] = [`0x${'a1'.repeat(32)}`, `0x${'a2'.repeat(32)}`] as const
  const name = 'bench/smol-135m'
  const terms = [name, MIT, ROYALTY_BPS, owner.address] as const
  await meter.measure('publish', owner, world.modelsCall('publish', [first, ...terms]))
  await meter.measure('publishNext', owner, world.modelsCall('publish', [second, ...terms]))
  await meter.measure('lowerRoyalty', owner, world.modelsCall('lowerRoyalty', [first, LOWER_BPS]))
  await meter.measure('setPayee', owner, world.modelsCall('setPayee', [first, next.address]))
  await meter.measure('transferName', owner, world.modelsCall('transferName', [name, next.address]))
  await meter.measure('acceptName', next, world.modelsCall('acceptName', [name]))
}
