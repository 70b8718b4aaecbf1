import * as v from 'valibot'
import { isShownName } from '../base/text-bounds.ts'
import { InfernetError } from '../errors/infernet-error.ts'

/**
 * The one file that page, relay and scripts read to know on which chain the network settles. The deploy script writes
 * it; a relay serves it inside `/network.json`.
 */

const MAX_RPC_URLS = 8
/** Two today: INF and a stablecoin. */
const MAX_ESCROWS = 8
const ADDRESS = /^0x[0-9a-fA-F]{40}$/

/** An address on the chain, in any case of letters. */
export const addressSchema = v.pipe(
  v.string(),
  v.regex(ADDRESS),
  v.transform((text) => text as `0x${string}`),
)
const text = (max: number) => v.pipe(v.string(), v.minLength(1), v.maxLength(max))
/** What a wallet shows as the network asks for it, and our page beside each amount: a relay's word. */
const nameSchema = (max: number) => v.pipe(text(max), v.check(isShownName, 'not a plain name'))
/** Of a symbol, which is one word. */
const symbolSchema = v.pipe(nameSchema(12), v.regex(/^\S+$/))
/** `URL` leaves out control characters in silence, and wallets show the text. */
const urlSchema = v.pipe(text(2048), v.url(), v.regex(/^https?:[^\s\p{C}]+$/u))
const wholeSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0))

const assetSchema = v.object({
  /** ERC-20 that this escrow holds. */
  asset: addressSchema,
  escrow: addressSchema,
  symbol: symbolSchema,
  /** Digits after the point in one unit of the asset. */
  decimals: v.pipe(wholeSchema, v.maxValue(36)),
  /** US dollars a unit was worth when the file was written: a hint beside amounts, never used to pay. */
  usdHint: v.optional(v.pipe(v.number(), v.finite(), v.minValue(0))),
})

export const networkFileSchema = v.object({
  version: v.literal(1),
  /** How the chain is called on the page, e.g. `Infernet Local`. */
  name: nameSchema(64),
  chainId: v.pipe(wholeSchema, v.minValue(1)),
  /** JSON-RPC endpoints, best first. Empty: only the relay's read path. */
  rpcUrls: v.pipe(v.array(urlSchema), v.maxLength(MAX_RPC_URLS)),
  /** Money here is worth nothing: faucets are offered and keys are made without asking. */
  isTest: v.boolean(),
  /** The coin that pays for gas. */
  nativeSymbol: symbolSchema,
  /** US dollars a whole one was worth when the file was written: says when a claim is worth its gas. */
  nativeUsdHint: v.optional(v.pipe(v.number(), v.finite(), v.minValue(0))),
  /** Expected seconds between blocks. */
  blockSeconds: v.pipe(v.number(), v.minValue(0.05), v.maxValue(600)),
  /** The block before which no log of ours can stand. */
  deployBlock: wholeSchema,
  contracts: v.object({
    timelock: addressSchema,
    token: addressSchema,
    models: addressSchema,
    stake: addressSchema,
    /** Whoever has what the escrows keep for the treasury. */
    treasury: addressSchema,
  }),
  /** The first is the one that prices are in. */
  escrows: v.pipe(v.array(assetSchema), v.minLength(1), v.maxLength(MAX_ESCROWS)),
  explorerUrl: v.optional(urlSchema),
})

/** See {@link networkFileSchema}. */
export type NetworkFile = v.InferOutput<typeof networkFileSchema>

/**
 * Reads a network file from parsed JSON.
 *
 * @throws InfernetError `settle.bad-network-file` with the field that is wrong.
 */
export function parseNetworkFile(json: unknown): NetworkFile {
  const parsed = v.safeParse(networkFileSchema, json)
  if (parsed.success) return parsed.output
  throw new InfernetError('settle.bad-network-file', { field: v.getDotPath(parsed.issues[0]) ?? 'file' })
}
