import { keccak_256 } from '@noble/hashes/sha3.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concatBytes, fromHex, toHex, utf8 } from '../base/bytes.ts'
import { chainAddress, modelHash } from '../base/ids.ts'
import { baseUnits } from '../base/units.ts'
import { createChainSigner, recoverSigner } from './chain-signature.ts'
import { hashVoucher, isSignedBy, signVoucher, type EscrowId, type Voucher } from './voucher.ts'

const escrow: EscrowId = { chainId: 31337, escrow: chainAddress(`0x${'e5'.repeat(20)}`) }
const voucher: Voucher = {
  payer: chainAddress(`0x${'a1'.repeat(20)}`),
  provider: chainAddress(`0x${'b2'.repeat(20)}`),
  model: modelHash('c3'.repeat(32)),
  relay: chainAddress(`0x${'d4'.repeat(20)}`),
  epoch: 7,
  cumulative: baseUnits(123_456_789_012_345_678_901n),
}
const signer = createChainSigner(new Uint8Array(32).fill(1))

/** EIP-712 by hand, from the type strings of the contract: shares no line with what is tested. */
function hashByHand({ chainId, escrow: at }: EscrowId, v: Voucher): string {
  const word = (value: bigint | number): Uint8Array => fromHex(value.toString(16).padStart(64, '0'))
  const address = (value: string): Uint8Array => fromHex(value.slice(2).padStart(64, '0'))
  const text = (value: string): Uint8Array => keccak_256(utf8(value))
  const domain = keccak_256(
    concatBytes(
      text('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)'),
      text('Infernet Escrow'),
      text('1'),
      word(chainId),
      address(at),
    ),
  )
  const struct = keccak_256(
    concatBytes(
      text(
        'Voucher(address payer,address provider,bytes32 model,address relay,uint32 epoch,uint96 cumulative)',
      ),
      address(v.payer),
      address(v.provider),
      fromHex(v.model),
      address(v.relay),
      word(v.epoch),
      word(v.cumulative),
    ),
  )
  return `0x${toHex(keccak_256(concatBytes(Uint8Array.of(0x19, 0x01), domain, struct)))}`
}

const addressArb = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((b) => chainAddress(`0x${toHex(b)}`))
const voucherArb = fc.record({
  payer: addressArb,
  provider: addressArb,
  model: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((b) => modelHash(toHex(b))),
  relay: addressArb,
  epoch: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  cumulative: fc.bigInt({ min: 0n, max: 2n ** 96n - 1n }).map(baseUnits),
})

describe('a voucher', () => {
  it('has one hash, pinned here for everybody who implements it', () => {
    expect(hashVoucher(escrow, voucher)).toBe(hashByHand(escrow, voucher))
    expect(hashVoucher(escrow, voucher)).toMatchInlineSnapshot(
      `"0x5b274b5ad667019e155fefe430ae7985576793027b08dc3d827a4dfcf64d073a"`,
    )
  })

  it('hashes as the type string of the contract says, whatever is in it', () => {
    fc.assert(
      fc.property(voucherArb, fc.nat(), addressArb, (any, chainId, at) => {
        const where = { chainId, escrow: at }
        expect(hashVoucher(where, any)).toBe(hashByHand(where, any))
      }),
      { numRuns: 50 },
    )
  })

  it('is hashed and signed bit by bit as the contracts’ own tests have it', async () => {
    const where = { chainId: 31337, escrow: chainAddress('0xA903d4be0f9Ba4e1B9B39251484B210aD7BD4BE8') }
    const theirs: Voucher = {
      payer: chainAddress('0x2f8D2035F2810E092eC954245F15575AF7Ae7C13'),
      provider: chainAddress('0xe8974ACac1D7680fd9ECE4DeD94d4c793A3be605'),
      model: modelHash('1f10dec81d4db62c8b8a539a36dec16ee085d18618acffcd9981bf71f6d31472'),
      relay: chainAddress('0x1Fcfee586Ac99E7229636DD1F25f13363c7c34B9'),
      epoch: 0,
      cumulative: baseUnits(1250000000000000n),
    }
    const key = createChainSigner(fromHex('ca0276b189e67b678c767f8383f4321b675a101719101960ccbb830eee351127'))
    const signed = await signVoucher(where, theirs, key)
    expect(hashVoucher(where, theirs)).toBe(
      '0x92a9dfa22d2478d9a2737ee083c0026859fb8381ceaaa35f885204f98453ed04',
    )
    expect(key.address).toBe('0xa5f32a82eb111fb717b525059146c9e606fcc53a')
    expect(toHex(signed.signature)).toBe(
      '6191640959031bc2ab62d35fcfc7b5f7d80e8d2b35bdb0f863f55fa849c30b96baab807a8be5d586036e632d46200cc7acbafb38745a5a2fb681bc345638258d',
    )
  })

  it('is signed by who says so, for this escrow and this content alone', async () => {
    const signed = await signVoucher(escrow, voucher, signer)
    expect(await isSignedBy(escrow, signed)).toBe(true)
    const other = createChainSigner(new Uint8Array(32).fill(2)).address
    expect(await isSignedBy(escrow, { ...signed, signer: other })).toBe(false)
    expect(await isSignedBy({ ...escrow, chainId: 1 }, signed)).toBe(false)
    expect(await isSignedBy({ ...escrow, escrow: other }, signed)).toBe(false)
    const changes: Partial<Voucher>[] = [
      { payer: other },
      { provider: other },
      { model: modelHash('00'.repeat(32)) },
      { relay: other },
      { epoch: 8 },
      { cumulative: baseUnits(voucher.cumulative + 1n) },
    ]
    for (const change of changes)
      expect(await isSignedBy(escrow, { ...signed, voucher: { ...voucher, ...change } })).toBe(false)
  })
})

/** A compact signature in the long form. */
function long(compact: Uint8Array): Uint8Array {
  const flat = Uint8Array.from([...compact, (compact[32] ?? 0) >> 7 ? 28 : 27])
  flat[32] = (flat[32] ?? 0) & 0x7f
  return flat
}

describe('a signature', () => {
  const hash = hashVoucher(escrow, voucher)
  const CURVE_ORDER = 0xffffffff_ffffffff_ffffffff_fffffffe_baaedce6_af48a03b_bfd25e8c_d0364141n

  it('is read in both forms', async () => {
    const compact = await signer.sign(hash)
    expect(compact).toHaveLength(64)
    expect(await recoverSigner(hash, compact)).toBe(signer.address)
    expect(await recoverSigner(hash, long(compact))).toBe(signer.address)
  })

  it('is refused with its s turned over: one voucher has one signature', async () => {
    const flat = long(await signer.sign(hash))
    const s = BigInt(`0x${toHex(flat.subarray(32, 64))}`)
    const turned = Uint8Array.from([
      ...flat.subarray(0, 32),
      ...fromHex((CURVE_ORDER - s).toString(16).padStart(64, '0')),
      flat[64] === 27 ? 28 : 27,
    ])
    expect(await recoverSigner(hash, turned)).toBeUndefined()
  })

  it('is refused with a recovery bit of 0 or 1, which the contract refuses as well', async () => {
    const flat = long(await signer.sign(hash))
    expect(await recoverSigner(hash, Uint8Array.from([...flat.subarray(0, 64), (flat[64] ?? 0) - 27]))).toBe(
      undefined,
    )
  })

  it('may be any bytes without a throw', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 70 }), async (bytes) => {
        const who = await recoverSigner(hash, bytes)
        expect(who === undefined || /^0x[0-9a-f]{40}$/.test(who)).toBe(true)
      }),
    )
    for (const fill of [0, 0xff])
      for (const length of [64, 65])
        expect(await recoverSigner(hash, new Uint8Array(length).fill(fill))).toBeUndefined()
  })
})
