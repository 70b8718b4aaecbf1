import type { Brand } from './brand.ts'

/** A span of time in milliseconds. */
export type Millis = Brand<number, 'Millis'>
/** A point in time: milliseconds since 1970-01-01T00:00Z. */
export type EpochMillis = Brand<number, 'EpochMillis'>
/** A count of tokens, a token being a piece of text. */
export type Tokens = Brand<number, 'Tokens'>
/** Money in base units of the asset it is in: 1 INF is 10^18. */
export type BaseUnits = Brand<bigint, 'BaseUnits'>

export const millis = (value: number): Millis => value as Millis
export const epochMillis = (value: number): EpochMillis => value as EpochMillis
export const tokens = (value: number): Tokens => value as Tokens
export const baseUnits = (value: bigint): BaseUnits => value as BaseUnits

export const SECOND_MS = 1000
export const MINUTE_MS = 60 * SECOND_MS
export const KIB = 1024
export const MIB = 1024 * KIB
