/** What a model does, by the hub's name for it. It tells kinds of manifests, engines, prompts and offers apart. */
export const TASKS = ['text-generation'] as const
export type Task = (typeof TASKS)[number]
