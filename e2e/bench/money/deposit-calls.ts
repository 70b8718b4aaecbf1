import { DAY_SECONDS, INF, newSession, type World } from './world.ts'

const DEPOSIT = 100n * INF
const CAP = 50n * INF
const GRACE_DAYS = 4

/** Everything that a payer sends. Each first deposit is of somebody new. */
export async function measureDeposits(world: World): Promise<void> {
  const { meter, escrow } = world
  const { address: key } = newSession()
  await world.payer() // others deposited already: the contract's own first INF is nobody's cost
  const payer = await world.person()
  const measure = (name: string, call: ReturnType<World['escrowCall']>) => meter.measure(name, payer, call)
  for (const name of ['deposit', 'depositNext']) {
    await world.approve(payer, escrow, DEPOSIT)
    await measure(name, world.escrowCall('deposit', [DEPOSIT]))
  }
  await measure('authorizeSession', world.escrowCall('authorizeSession', [key, CAP, await world.expiry()]))
  await measure('revokeSession', world.escrowCall('revokeSession', [key]))
  await measureOneTransaction(world)
  await measure('requestWithdrawal', world.escrowCall('requestWithdrawal', []))
  await measure('cancelWithdrawal', world.escrowCall('cancelWithdrawal', []))
  await meter.send(payer, world.escrowCall('requestWithdrawal', []))
  await world.pass(GRACE_DAYS * DAY_SECONDS)
  await measure('withdraw', world.escrowCall('withdraw', []))
  const { deployer } = world
  await meter.measure('pause', deployer, world.escrowCall('pause', []))
  await meter.measure('unpause', deployer, world.escrowCall('unpause', []))
}

/** A payer's first transaction is its only one. */
async function measureOneTransaction(world: World): Promise<void> {
  const { meter, escrow } = world
  const session = [newSession().address, CAP, await world.expiry()] as const
  const [approved, permitting, plain] = [await world.person(), await world.person(), await world.person()]
  await world.approve(approved, escrow, DEPOSIT)
  const withSession = world.escrowCall('depositWithSession', [DEPOSIT, ...session])
  await meter.measure('depositWithSession', approved, withSession)
  const both = [DEPOSIT, ...session, await world.permit(permitting, escrow, DEPOSIT)] as const
  const withBoth = world.escrowCall('depositWithSessionAndPermit', both)
  await meter.measure('depositWithSessionAndPermit', permitting, withBoth)
  const permit = await world.permit(plain, escrow, DEPOSIT)
  await meter.measure('depositWithPermit', plain, world.escrowCall('depositWithPermit', [DEPOSIT, permit]))
}
