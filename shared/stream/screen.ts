/**
 * Looks at the texts of a job before it is taken; each text in token ids.
 *
 * It runs in the time of a stranger who waits, and on a text that a stranger chose: it has to be bounded itself.
 *
 * @throws InfernetError `stream.refused` for what this provider does not want to answer
 */
export type Screen = (texts: readonly (readonly number[])[]) => Promise<void>
