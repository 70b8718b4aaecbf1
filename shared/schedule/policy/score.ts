import { millis, type Millis } from '../../base/units.ts'
import type { Price, Quote } from '../../prompt/prompt.ts'
import type { Offer, Tier } from '../offer.ts'
import { CERTAIN, type Beliefs } from './trust.ts'

/*
 * Every formula by which one provider is preferred to another, and every weight in them. What is chosen with them stands
 * in the files beside: who is drawn (`draw-candidates`), what a relay lists first (`rank-offers`).
 */

/** The length an answer is reckoned with where nothing better is known, in tokens. */
export const EXPECTED_ANSWER_TOKENS = 128

/** A provider without a free place keeps this share of its merit: its offer may be a minute old. */
const BUSY_MERIT = 0.1
/**
 * By which power each belief weighs in the draw: half the integrity is a sixteenth of the draws, as is one fresh failure
 * (docs/design-notes.md).
 */
const POWERS: Beliefs = { integrity: 4, availability: 2, quotes: 1, presence: 4 }
/** The integrity that is expected of one with a stake of whom nothing is known. */
const STRANGER = 0.5
/** Weights of the utility for a chat: a second of waiting for the first word is felt more than one of reading. */
const WEIGHT_TTFT = 2
const WEIGHT_TOTAL = 1
/** One step (a factor e) in price counts like this many seconds. */
const WEIGHT_PRICE = 0.5

/**
 * How long it takes to load a model of a gigabyte, in seconds: from an SSD with its self-test, half of it over a line of
 * 100 Mbit/s, all of it from eight peers that give 20 Mbit/s each, all of it from an origin that other people use as well
 * (docs/design-notes.md). Only for the draw: who is asked says what it is here.
 */
const USUAL_LOAD_S: Readonly<Record<Tier, number>> = { disk: 15, part: 60, swarm: 90, origin: 120 }

/**
 * What an offer promises, before anybody was asked: free speed over an answer of ordinary length, the loading of the
 * model included, by how far its provider is trusted.
 */
export function meritOf(
  { slots, busySlots, decodeTokensPerSecond, tier }: Pick<Offer, MeritField>,
  { integrity, availability, quotes, presence }: Beliefs = CERTAIN,
): number {
  const free = Math.max(BUSY_MERIT, (slots - busySlots) / slots)
  const speed = Math.max(1, decodeTokensPerSecond)
  const loadSeconds = tier ? USUAL_LOAD_S[tier] : 0
  const withLoad = EXPECTED_ANSWER_TOKENS / (EXPECTED_ANSWER_TOKENS / speed + loadSeconds)
  const kept = availability ** POWERS.availability * quotes ** POWERS.quotes * presence ** POWERS.presence
  return free * withLoad * kept * integrity ** POWERS.integrity
}
type MeritField = 'slots' | 'busySlots' | 'decodeTokensPerSecond' | 'tier'

/** A price in steps of a factor e: twice as high is a step down, whatever the unit. */
export function priceSteps({ outputPerMillion }: Price): number {
  return Math.log1p(Number(outputPerMillion) / 1e6)
}

/**
 * So much of a claimed speed counts, in tokens a second: some times what people read, and what an ordinary GPU reaches
 * with a small model. @internal the tests of what is drawn and listed
 */
export const CREDIBLE_TOKENS_PER_SECOND = 50

/** No first token comes sooner from another machine, whatever its quote says: what is faster counts as this. */
const CREDIBLE_TTFT_MS = 100

/** What a job costs its asker that is lost: some seconds of patience. */
const LOST_MS = 5000

/** What counts of a speed that its owner claims, in tokens a second: a modest one, or what was seen of it. */
export function credibleSpeed(claimed: number, seen = 0): number {
  return Math.min(claimed, Math.max(CREDIBLE_TOKENS_PER_SECOND, seen))
}

/** What is known of who made a prediction, and what it is for. */
export interface PredictedFor {
  /** By its quote, in tokens a second. */
  readonly decodeTokensPerSecond: number
  /** By what it wrote before, in tokens a second. */
  readonly seen: number
  readonly presence: number
  readonly maxTokens: number
}

/** What of a prediction is believed: what providers are compared by. Who failed a moment ago may well fail again. */
export function credible(
  { ttftMs }: Prediction,
  { decodeTokensPerSecond, seen, presence, maxTokens }: PredictedFor,
): Prediction {
  const first = Math.max(CREDIBLE_TTFT_MS, ttftMs) + (1 - presence) * LOST_MS
  const total = first + answerMs(credibleSpeed(decodeTokensPerSecond, seen), maxTokens)
  return { ttftMs: millis(first), totalMs: millis(total) }
}

export interface Prediction {
  /** To the first token. */
  readonly ttftMs: Millis
  /** To the last one. */
  readonly totalMs: Millis
}

/**
 * Time to the first token and to the end, from a live quote: round trip, loading, queue, prefill at the quoted speed, then
 * decode (docs/design-notes.md). A speed of zero counts as one token a second.
 */
export function predict(
  quote: Quote,
  { rttMs, prefillTokens, maxTokens }: { rttMs: Millis; prefillTokens: number; maxTokens: number },
): Prediction {
  const prefillMs = (prefillTokens / Math.max(1, quote.prefillTokensPerSecond)) * 1000
  const decodeMs = answerMs(quote.decodeTokensPerSecond, maxTokens)
  const ttftMs = rttMs + (quote.loadMs ?? 0) + quote.queueMs + prefillMs
  return { ttftMs: millis(ttftMs), totalMs: millis(ttftMs + decodeMs) }
}

/** How long an answer of ordinary length takes to write, or one of `maxTokens` where that is less. */
export function answerMs(decodeTokensPerSecond: number, maxTokens = EXPECTED_ANSWER_TOKENS): number {
  return (Math.min(maxTokens, EXPECTED_ANSWER_TOKENS) / Math.max(1, decodeTokensPerSecond)) * 1000
}

/**
 * How far a quote is trusted, 0 to 1. Integrity counts only where it is below a stranger's: the draw has weighed it
 * already, and a newcomer that was drawn is to be met.
 */
export function trustOf({ integrity, availability, quotes, presence }: Beliefs): number {
  return Math.min(1, integrity / STRANGER) * availability * quotes * presence
}

/** What a quote is worth to a consumer who chats: higher is better. */
export function utilityOf(
  { ttftMs, totalMs }: Prediction,
  { price }: Pick<Quote, 'price'>,
  { slowness, trust }: { slowness: number; trust: number },
): number {
  const seconds = ((WEIGHT_TTFT * ttftMs + WEIGHT_TOTAL * totalMs) / 1000) * slowness
  return -seconds - WEIGHT_PRICE * priceSteps(price) + Math.log(Math.max(1e-6, trust))
}
