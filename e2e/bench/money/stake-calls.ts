import type { PrivateKeyAccount } from 'viem/accounts'
import { DAY_SECONDS, INF, type World } from './world.ts'

const STAKE = 200n * INF
const UNBOND_DAYS = 8

/** Without zeros, which are cheaper to send. */
const binding = (digit: string) => {
  const word = `0x${digit.repeat(64)}` as const
  return { peerKey: word, r: word, s: word }
}

/** An operator's life, and another's before the court. */
export async function measureStake(world: World): Promise<void> {
  const { meter, stake } = world
  await stakedProvider(world) // others stake already: the contract's own first INF is nobody's cost
  const operator = await world.person()
  const measure = (name: string, of: Parameters<World['stakeCall']>[0], args: readonly unknown[] = []) =>
    meter.measure(name, operator, world.stakeCall(of, args))
  await world.approve(operator, stake, STAKE)
  await measure('stake', 'register', [binding('1'), STAKE])
  await world.approve(operator, stake, INF)
  await measure('add', 'add', [INF])
  await measure('setPeerKey', 'setPeerKey', [binding('2')])
  await measure('unbond', 'unbond', [INF])
  await measure('cancelUnbond', 'cancelUnbond')
  await meter.send(operator, world.stakeCall('unbond', [INF]))
  await world.pass(UNBOND_DAYS * DAY_SECONDS)
  await measure('withdrawStake', 'withdraw')
  await measure('retire', 'retire')
  await measureCourt(world)
}

async function measureCourt(world: World): Promise<void> {
  const { meter, stake } = world
  const [operator, court, challenger] = [await world.person(), await world.person(0n), await world.person(0n)]
  const { deadline, v, r, s } = await world.permit(operator, stake, STAKE)
  const register = world.stakeCall('registerWithPermit', [binding('3'), STAKE, deadline, v, r, s])
  await meter.measure('stakeWithPermit', operator, register)
  await world.govern(world.stakeCall('setCourt', [court.address]))
  await meter.measure('jail', court, world.stakeCall('jail', [operator.address]))
  await meter.measure('unjail', court, world.stakeCall('unjail', [operator.address]))
  const slash = world.stakeCall('slash', [operator.address, 10n * INF, challenger.address])
  await meter.measure('slash', court, slash)
  await meter.measure('collectReward', challenger, world.stakeCall('collect', [challenger.address]))
}

/** Somebody who may be paid without a cap. */
export async function stakedProvider(world: World): Promise<PrivateKeyAccount> {
  const provider = await world.person()
  await world.approve(provider, world.stake, STAKE)
  await world.meter.send(provider, world.stakeCall('register', [binding('4'), STAKE]))
  return provider
}
