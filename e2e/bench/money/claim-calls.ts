import { modelHash } from '#shared/base/ids.ts'
import type { SignedVoucher } from '#shared/settle/voucher.ts'
import { stakedProvider } from './stake-calls.ts'
import { DAY_SECONDS, INF, type Line, type Payer, type World } from './world.ts'

const ROYALTY_BPS = 500
const BATCH = 100
const WINDOW_DAYS = 4
/** INF that each voucher adds. */
const STEP = 1n

/** A provider with stake, a published model with a royalty, and a relay with its share: nothing is left out of a claim. */
async function openLine(world: World, model: string): Promise<Line & { payee: Provider }> {
  const payee = await stakedProvider(world)
  const [publisher, relay] = [await world.person(0n), await world.person(0n)]
  const hash = modelHash(model.repeat(32))
  const terms = [`0x${hash}`, `bench/${model}`, 1, ROYALTY_BPS, publisher.address] as const
  await world.meter.send(publisher, world.modelsCall('publish', terms))
  return { payee, provider: payee.address, model: hash, relay: relay.address }
}

type Provider = Awaited<ReturnType<typeof stakedProvider>>

/** Claims one by one, and what happens to the money after them. */
export async function measureClaims(world: World): Promise<void> {
  await world.passToMorning()
  const { meter, claims } = world
  const line = await openLine(world, 'b1')
  const payer = await world.payer()
  const [carrier, stranger] = [await world.person(0n), await world.person(0n)]
  let total = 0n
  const next = (to: Line = line): Promise<SignedVoucher> => world.sign(payer, to, (total += STEP))
  const claim = async (name: string, from = line.payee): Promise<void> => {
    await meter.measure(name, from, claims.claim([await next()]))
  }
  await claim('claimFirst')
  await claim('claimRepeat')
  await claim('claimCarriedFirst', carrier)
  await claim('claimCarriedRepeat', carrier)
  const sweep = claims.sweep(await next())
  // Publisher, relay and treasury have no credit before the first, all of them have some before the next.
  await meter.measure('sweepFirst', line.payee, sweep)
  await claim('claimAfterSweep')
  await meter.measure('sweepNext', line.payee, sweep)
  await meter.measure('collectFirst', carrier, claims.collect(line.relay))
  await meter.send(line.payee, claims.claim([await next()]))
  await meter.send(line.payee, sweep)
  await meter.measure('collect', carrier, claims.collect(line.relay))

  const unstaked = { ...line, provider: stranger.address }
  await meter.send(stranger, claims.claim([await next(unstaked)]))
  await meter.measure('claimUnstakedRepeat', stranger, claims.claim([await next(unstaked)]))
}

/** A hundred payers, each with a session of its own. */
export async function measureBatches(world: World): Promise<void> {
  await world.passToMorning()
  const { meter, claims } = world
  const line = await openLine(world, 'b2')
  const payers: Payer[] = []
  for (let i = 0; i < BATCH + 2; i++) payers.push(await world.payer(10n * INF))
  const [warmUp, single, ...many] = payers
  if (!warmUp || !single) throw new Error('no payers')
  const claim = async (cumulative: bigint, from: readonly Payer[]) => {
    const batch = await Promise.all(from.map((payer) => world.sign(payer, line, cumulative)))
    return claims.claim(batch)
  }
  const marginal = async (name: string, cumulative: bigint): Promise<void> => {
    const one = await meter.send(line.payee, await claim(cumulative, [single]))
    const all = await meter.measure(`${name}Of${BATCH}`, line.payee, await claim(cumulative, many))
    meter.print(`${name}Marginal`, (all - one) / (BATCH - 1))
  }
  // The provider's pot is open and its stake was asked about: what is left is each payer's own.
  await meter.send(line.payee, await claim(STEP, [warmUp]))
  await marginal('claimBatchFirst', STEP)
  await marginal('claimBatch', 2n * STEP)
  // Of two pots, which one list of whole vouchers holds.
  const other = await openLine(world, 'b4')
  const mixed = [world.sign(single, line, 3n * STEP), world.sign(warmUp, other, STEP)]
  await meter.measure('claimOfTwoPots', line.payee, claims.claim(await Promise.all(mixed)))
}

/** A payer that signed more than it has. */
export async function measureDefault(world: World): Promise<void> {
  await world.passToMorning()
  const { meter, claims } = world
  const line = await openLine(world, 'b3')
  const payer = await world.payer()
  const anybody = await world.person(0n)
  await meter.send(line.payee, claims.claim([await world.sign(payer, line, STEP)]))
  // 95 are its balance, 5 the bond, of which 2 are owed and the rest burns.
  const tooMuch = claims.claim([await world.sign(payer, line, 97n)])
  await meter.measure('claimOpensDefault', line.payee, tooMuch)
  await world.pass(WINDOW_DAYS * DAY_SECONDS)
  const { address } = payer.account
  await meter.measure('settleDefault', anybody, world.escrowCall('settleDefault', [address]))
  const owed = [address, 0, line.provider, `0x${line.model}`, line.relay] as const
  await meter.measure('collectDefault', line.payee, world.escrowCall('collectDefault', owed))
}
