import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { MAX_OWN_PROMPT_LETTERS, MAX_OWN_PROMPTS } from '#shared/verify/audit/constants.ts'
import { temporaryFolder } from '../testing/fixtures.ts'
import { readOwnPrompts } from './own-prompts.ts'

it('reads a prompt a line, each once, and says what is wrong with a file that holds none', async () => {
  const folder = await temporaryFolder()
  const file = async (text: string): Promise<string> => {
    const path = join(folder.path, 'prompts.txt')
    await writeFile(path, text)
    return path
  }
  const long = 'x'.repeat(MAX_OWN_PROMPT_LETTERS + 1)
  expect(await readOwnPrompts(await file(`why is my wifi so slow\r\n\n  hi  \nhi\n${long}\n`))).toEqual([
    'why is my wifi so slow',
    'hi',
  ])
  const many = Array.from({ length: MAX_OWN_PROMPTS + 5 }, (_, n) => `question ${n}`).join('\n')
  expect(await readOwnPrompts(await file(many))).toHaveLength(MAX_OWN_PROMPTS)
  await expect(readOwnPrompts(await file('\n \n'))).rejects.toThrow(/holds no prompt/)
  await expect(readOwnPrompts(join(folder.path, 'none.txt'))).rejects.toThrow(/--audit-prompts/)
  await folder.remove()
})
