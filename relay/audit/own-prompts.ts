import { readFile } from 'node:fs/promises'
import { MAX_OWN_PROMPT_LETTERS, MAX_OWN_PROMPTS } from '#shared/verify/audit/constants.ts'
import { unread } from '../base/file-words.ts'
import { badOption } from '../base/start-error.ts'

/**
 * The prompts of a file, one a line; what is too long is left out, and so is what is beyond the most.
 *
 * @throws StartError where it cannot be read or holds none
 */
export async function readOwnPrompts(path: string): Promise<readonly string[]> {
  const text = await readFile(path, 'utf8').catch((thrown: unknown) => {
    throw badOption('--audit-prompts', ...unread(path, thrown, 'Write one prompt a line into it.'))
  })
  const lines = text.split(/\r?\n/).map((line) => line.trim())
  const prompts = new Set(lines.filter((line) => line !== '' && line.length <= MAX_OWN_PROMPT_LETTERS))
  if (prompts.size === 0)
    throw badOption('--audit-prompts', `${path} holds no prompt.`, 'Write one prompt a line into it.')
  return [...prompts].slice(0, MAX_OWN_PROMPTS)
}
