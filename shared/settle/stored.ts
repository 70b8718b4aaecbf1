import type * as v from 'valibot'
import { InfernetError } from '../errors/infernet-error.ts'
import { decode, encode } from '../wire/codec.ts'
import type { LedgerStore } from './ledger-store.ts'

/**
 * Runs a step on the store. What it throws by name keeps its name; all else is a store that does not work.
 *
 * @throws InfernetError `payment.no-record`
 */
export async function stored<T>(step: () => Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (thrown) {
    throw InfernetError.from(thrown, 'payment.no-record')
  }
}

/** Reads a record as the schema has it. @throws InfernetError `payment.no-record` for one that was damaged. */
export function readRecord<Schema extends v.GenericSchema>(
  schema: Schema,
  bytes: Uint8Array,
): v.InferOutput<Schema> {
  try {
    return decode(schema, bytes)
  } catch (cause) {
    throw new InfernetError('payment.no-record', {}, { cause })
  }
}

/** Changes a record in one step and gives what it is now. @throws InfernetError `payment.no-record` */
export async function updateRecord<Schema extends v.GenericSchema>(
  store: LedgerStore,
  key: string,
  schema: Schema,
  change: (present: v.InferOutput<Schema> | undefined) => unknown,
): Promise<v.InferOutput<Schema>> {
  let written = new Uint8Array()
  await stored(() =>
    store.update(key, (present) => {
      written = encode(change(present && readRecord(schema, present)))
      return written
    }),
  )
  return readRecord(schema, written)
}
