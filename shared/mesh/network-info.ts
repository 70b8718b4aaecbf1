import * as v from 'valibot'
import { addressSchema, networkFileSchema } from '../chain/network-file.ts'

const textsSchema = v.pipe(v.array(v.string()), v.readonly())

/** What a page needs to join the network: `/network.json`, which a relay writes and a page reads. */
export const networkInfoSchema = v.object({
  version: v.string(),
  peerId: v.string(),
  /** This relay: under the name the page was opened with, then as announced. Each ends in the peer id. */
  relays: textsSchema,
  /** Whether the operator said so; else `relays` is what the relay makes of the request, and a page knows better. */
  isAnnounced: v.optional(v.boolean(), true),
  /** Other relays that this one is connected to, one address each, so that a tab can keep two. */
  otherRelays: v.optional(textsSchema, []),
  iceServers: v.optional(
    v.pipe(
      v.array(
        v.object({
          urls: v.union([v.string(), v.array(v.string())]),
          username: v.optional(v.string()),
          credential: v.optional(v.string()),
        }),
      ),
      v.readonly(),
    ),
    [],
  ),
  /** Where models are looked up by name, in place of Hugging Face: a mirror that the operator chose. */
  hub: v.optional(v.pipe(v.string(), v.maxLength(300), v.regex(/^https?:\/\/[^\s?#\p{C}]+$/u))),
  /** The chain that is settled on, with the endpoints that this page can reach; absent where answers are free. */
  chain: v.optional(networkFileSchema),
  /** Whom a quote names for the share of the relay that introduced; absent for nobody. */
  payee: v.optional(addressSchema),
  /** Whether `POST /faucet` gives test money. */
  faucet: v.optional(v.boolean()),
})

/** See {@link networkInfoSchema}. */
export type NetworkInfo = Readonly<v.InferOutput<typeof networkInfoSchema>>
