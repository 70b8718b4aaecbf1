/** Arguments for Node, with which a child that has a pipe as standard input ends when we do; see end-with-parent.ts. */
export const WITH_PARENT = ['--import', new URL('end-with-parent.ts', import.meta.url).href] as const
