import { MINUTE_MS, SECOND_MS } from '../../base/units.ts'

const HOUR_MS = 60 * MINUTE_MS

/** Probes that an auditor makes in an hour, at most, where nobody says otherwise. */
export const PROBES_PER_HOUR = 20
export const MAX_PROBES_PER_HOUR = 600

/** A provider is due again after a part of a day that chance chooses: never after a day, and never when it expects it. */
export const DUE_AFTER_MS = { least: 12 * HOUR_MS, most: 22 * HOUR_MS } as const

/** After a probe that came to nothing. */
export const MISSED_AFTER_MS = { least: HOUR_MS / 2, most: 3 * HOUR_MS } as const

/** Providers that an auditor remembers; the eldest are forgotten first, and are newcomers when they come again. */
export const MAX_AUDITED = 4096
/** One that was not seen for so long is forgotten. */
export const FORGET_MS = 7 * 24 * HOUR_MS

/**
 * Of the probes that an auditor's own prompts leave, so many ask what the pages propose: a provider that cheats whoever
 * asks anything else answers these rightly to real visitors as well.
 */
export const EXAMPLE_SHARE = 0.3
/** How many probes ask one of the auditor's own prompts, as long as there are some that were not asked. */
export const OWN_SHARE = 0.7

/** Prompts that an auditor brings, and the letters of each. */
export const MAX_OWN_PROMPTS = 20_000
export const MAX_OWN_PROMPT_LETTERS = 4000

/** A probe with its check takes no longer: an answer, openings, and a pass over it. */
export const PROBE_DEADLINE_MS = 5 * MINUTE_MS

/** Where nobody is there to be probed, it is looked again this soon. */
export const NOBODY_THERE_MS = 30 * SECOND_MS
