import { beforeEach, describe, expect, it } from 'vitest'
import { chainAddress, modelHash, type PeerName } from '../base/ids.ts'
import { baseUnits } from '../base/units.ts'
import { FakeChain } from '../testing/fake-chain.ts'
import { connectedStreams, makePeer, type TestPeer } from '../testing/peers.ts'
import { ESCROW, operatorKey, PAYER, RELAY, sessionKey, STAKE } from '../testing/payments.ts'
import { realClock } from '../testing/real-clock.ts'
import { makeBinding } from './binding.ts'
import { createChainSigner } from './chain-signature.ts'
import { ClaimBox } from './claim-box.ts'
import { ClaimService } from './claim-service.ts'
import { LEAVE_RATE, MAX_BOX_LINES_PER_OPERATOR, MAX_LEFT_VOUCHERS } from './constants.ts'
import { leaveClaims, type LeaveClaimsInit } from './leave-claims.ts'
import { MemoryLedgerStore } from './ledger-store.ts'
import { signVoucher, type SignedVoucher, type Voucher } from './voucher.ts'

let chain: FakeChain
let store: MemoryLedgerStore
let box: ClaimBox
let service: ClaimService
let provider: TestPeer
let init: LeaveClaimsInit

const open = (maxLines?: number): Promise<ClaimBox> =>
  ClaimBox.load(
    { store, views: new Map([[ESCROW.escrow, chain]]) },
    { chainId: ESCROW.chainId, stake: STAKE, ...(maxLines === undefined ? {} : { maxLines }) },
  )

beforeEach(async () => {
  chain = new FakeChain()
  chain.deposit(PAYER, 10_000n)
  chain.authorize(PAYER, sessionKey.address, 5000n, realClock.now() + 60_000)
  store = new MemoryLedgerStore()
  box = await open()
  service = new ClaimService({ clock: realClock, box })
  provider = await makePeer()
  init = await initFor(provider)
})

async function initFor({ key }: TestPeer, operator = operatorKey.address): Promise<LeaveClaimsInit> {
  const binding = await makeBinding(key, { chainId: ESCROW.chainId, stake: STAKE, operator })
  return { escrow: ESCROW.escrow, operator, binding }
}

function voucher(
  cumulative: number,
  changes: Partial<Voucher> = {},
  signer = sessionKey,
): Promise<SignedVoucher> {
  const line = {
    payer: PAYER,
    provider: operatorKey.address,
    relay: RELAY,
    model: modelHash('c3'.repeat(32)),
  }
  return signVoucher(
    ESCROW,
    { ...line, epoch: 0, cumulative: baseUnits(BigInt(cumulative)), ...changes },
    signer,
  )
}

/** Over a stream, as two nodes do it. */
async function leave(vouchers: readonly SignedVoucher[], { as = provider, by = init } = {}) {
  const openStream = async () => {
    const { ours, theirs, connection } = await connectedStreams(as)
    void service.handle(theirs, connection)
    return ours
  }
  return leaveClaims({ clock: realClock, openStream }, by, vouchers)
}

const heldAmounts = (of = box): bigint[] =>
  of.ledgers.flatMap(({ ledger }) => ledger.vouchers.map((held) => held.voucher.cumulative))

describe('a claim box', () => {
  it('keeps the highest voucher of a line, and has it after a restart', async () => {
    expect(await leave([await voucher(10)])).toEqual([])
    expect(await leave([await voucher(30), await voucher(20)])).toEqual([])
    expect(heldAmounts()).toEqual([30n])
    expect(heldAmounts(await open())).toEqual([30n])
  })

  it("takes a payee's vouchers from nobody else", async () => {
    const thief = await makePeer()
    await expect(leave([await voucher(10)], { as: thief })).rejects.toMatchObject({
      code: 'payment.wrong-payee',
    })
    const other = await initFor(thief, chainAddress(`0x${'77'.repeat(20)}`))
    // Bound to an operator of its own, the thief can only say that these vouchers pay that one, and they do not.
    const [refused] = await leave([await voucher(10)], { as: thief, by: other })
    expect(refused?.error.code).toBe('payment.bad-voucher')
    expect(box.size).toBe(0)
  })

  it('keeps nothing that the chain would not pay', async () => {
    const stranger = createChainSigner(new Uint8Array(32).fill(9))
    const poor = { payer: stranger.address }
    chain.claim(await voucher(10, { model: modelHash('aa'.repeat(32)) }))
    const signed: [SignedVoucher, string][] = [
      [await voucher(10, {}, stranger), 'payment.no-session'],
      [await voucher(10, poor, stranger), 'payment.no-deposit'],
      [await voucher(10, { epoch: 1 }), 'payment.wrong-epoch'],
      [await voucher(10, { model: modelHash('aa'.repeat(32)) }), 'payment.stale'],
      [{ ...(await voucher(10)), signature: new Uint8Array(64) }, 'payment.bad-voucher'],
      [await voucher(10, poor), 'payment.no-deposit'],
    ]
    const refused = await leave(signed.map(([each]) => each))
    expect(refused.map(({ error }) => error.code)).toEqual(signed.map(([, code]) => code))
    expect(box.size).toBe(0)
  })

  it('asks the chain once for a line, and refuses new ones while it is down', async () => {
    await leave([await voucher(10)])
    const { reads } = chain
    chain.isDown = true
    expect(await leave([await voucher(20)])).toEqual([])
    expect(chain.reads).toBe(reads)
    const [refused] = await leave([await voucher(10, { model: modelHash('bb'.repeat(32)) })])
    expect(refused?.error.code).toBe('payment.chain-unreachable')
  })

  it('is for the escrows that are carried to', async () => {
    const by = { ...init, escrow: chainAddress(`0x${'99'.repeat(20)}`) }
    await expect(leave([await voucher(10)], { by })).rejects.toMatchObject({ code: 'payment.wrong-chain' })
  })

  it('is bounded for each payee and in all, and makes room of what was claimed', async () => {
    const vouchers = await Promise.all(
      Array.from({ length: MAX_BOX_LINES_PER_OPERATOR + 1 }, (_, i) =>
        voucher(1, { model: modelHash(i.toString(16).padStart(64, '0')) }),
      ),
    )
    const refused = await leave(vouchers)
    expect(refused.map(({ error }) => error.code)).toEqual(['payment.box-full'])
    expect(box.size).toBe(MAX_BOX_LINES_PER_OPERATOR)
    const [first] = vouchers
    const last = vouchers.at(-1)
    if (!first || !last) throw new Error('no vouchers')
    await box.ledgers[0]?.ledger.noteClaimed(first.voucher, first.voucher.cumulative)
    service = new ClaimService({ clock: realClock, box })
    expect(await leave([last])).toEqual([])
    box = await open(1)
    service = new ClaimService({ clock: realClock, box })
    const other = await makePeer()
    const owner = createChainSigner(new Uint8Array(32).fill(8)).address
    const [full] = await leave([await voucher(5, { provider: owner })], {
      as: other,
      by: await initFor(other, owner),
    })
    expect(full?.error.code).toBe('payment.box-full')
  })

  it('keeps no more lines over a deposit than it could make worth carrying, to whomever they are', async () => {
    box = await ClaimBox.load(
      { store, views: new Map([[ESCROW.escrow, chain]]), leastBehind: () => 4000n },
      { chainId: ESCROW.chainId, stake: STAKE },
    )
    service = new ClaimService({ clock: realClock, box })
    const models = ['aa', 'bb'].map((byte) => ({ model: modelHash(byte.repeat(32)) }))
    const [first, second] = await Promise.all(models.map((model) => voucher(4000, model)))
    if (!first || !second) throw new Error('no vouchers')
    expect(await leave([first])).toEqual([])
    const other = await makePeer()
    const owner = createChainSigner(new Uint8Array(32).fill(8)).address
    const leaveOther = async () =>
      leave([await voucher(1, { provider: owner })], { as: other, by: await initFor(other, owner) })
    expect(await leaveOther()).toEqual([])
    const [refused] = await leave([second])
    expect(refused?.error.code).toBe('payment.no-deposit')
    // What was claimed needs no deposit any more.
    await box.ledgers[0]?.ledger.noteClaimed(first.voucher, first.voucher.cumulative)
    expect(await leave([second])).toEqual([])
  })

  it('gives the room of what nobody will be paid for to another payee, and no other room', async () => {
    const models = ['aa', 'bb'].map((byte) => ({ model: modelHash(byte.repeat(32)) }))
    await leave(await Promise.all(models.map((model) => voucher(1, model))))
    const spare = new Set<string>()
    box = await ClaimBox.load(
      {
        ...{ store, views: new Map([[ESCROW.escrow, chain]]) },
        isSpare: (_boxed, { voucher: { model } }) => spare.has(model),
      },
      { chainId: ESCROW.chainId, stake: STAKE, maxLines: 2 },
    )
    service = new ClaimService({ clock: realClock, box })
    const other = await makePeer()
    const owner = createChainSigner(new Uint8Array(32).fill(8)).address
    const leaveOther = async () =>
      leave([await voucher(5, { provider: owner })], { as: other, by: await initFor(other, owner) })
    const [full] = await leaveOther()
    expect(full?.error.code).toBe('payment.box-full')
    spare.add('bb'.repeat(32))
    expect(await leaveOther()).toEqual([])
    expect(box.ledgers.map(({ ledger }) => ledger.vouchers.map(({ voucher: { model } }) => model))).toEqual([
      ['aa'.repeat(32)],
      ['c3'.repeat(32)],
    ])
  })

  it('drops a void voucher, and never one that came after it', async () => {
    await leave([await voucher(10)])
    const [boxed] = box.ledgers
    const [old] = boxed?.ledger.vouchers ?? []
    if (!boxed || !old) throw new Error('nothing is held')
    await leave([await voucher(20)])
    await box.drop(boxed, old)
    expect(heldAmounts()).toEqual([20n])
    const [present] = boxed.ledger.vouchers
    if (present) await box.drop(boxed, present)
    expect(heldAmounts()).toEqual([])
  })

  it('refuses a peer that leaves too often', async () => {
    const left = await voucher(10)
    for (let i = 0; i < LEAVE_RATE.burst; i++) await leave([left])
    await expect(leave([left])).rejects.toMatchObject({ code: 'schedule.rate-limited' })
    const other = await makePeer()
    expect(await leave([left], { as: other, by: await initFor(other) })).toEqual([])
  })

  it('takes many in parts', async () => {
    const vouchers = await Promise.all(
      Array.from({ length: MAX_LEFT_VOUCHERS + 1 }, (_, i) =>
        voucher(i + 1, { model: modelHash(i.toString(16).padStart(64, '0')) }),
      ),
    )
    expect(await leave(vouchers)).toEqual([])
    expect(box.size).toBe(MAX_LEFT_VOUCHERS + 1)
  })

  it('names nobody twice who leaves at once', async () => {
    const amounts = [5, 25, 15]
    await Promise.all(amounts.map(async (amount) => leave([await voucher(amount)])))
    expect(heldAmounts()).toEqual([25n])
    expect(new Set(box.ledgers.map(({ operator }) => operator)).size).toBe(1)
  })
})

it('a relay that answers nonsense is told apart from one that refuses', async () => {
  const openStream = async () => {
    const { ours, theirs } = await connectedStreams({ ...provider, name: 'x' as PeerName })
    theirs.send(new Uint8Array([2, 0xff, 0xff]))
    return ours
  }
  await expect(leaveClaims({ clock: realClock, openStream }, init, [await voucher(1)])).rejects.toMatchObject(
    {
      code: 'wire.malformed',
    },
  )
})
