/** What a model does, by the hub's name for it. It tells kinds of manifests, engines, prompts and offers apart. */
export const TASKS = ['text-generation', 'feature-extraction'] as const
export type Task = (typeof TASKS)[number]

/** The task of a model that turns a text into a vector: an encoder. */
export const ENCODING = 'feature-extraction' satisfies Task

/** The task of a model that answers a prompt. */
export const WRITING = 'text-generation' satisfies Task
