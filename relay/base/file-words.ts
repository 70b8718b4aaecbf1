import { systemCode, systemReason } from './system-reason.ts'

/** What is wrong with a file that was not read, and what to do: one that is missing is another matter than one that is shut. */
export function unread(path: string, thrown: unknown, ifMissing: string): [what: string, fix: string] {
  if (systemCode(thrown) === 'ENOENT') return [`there is no file ${path}.`, ifMissing]
  return [
    `reading ${path} failed (${systemReason(thrown)}).`,
    'The file was not changed. Let this user read it.',
  ]
}

/** What is wrong with a text that is no JSON, with the place where the parser stopped when it tells one. */
export function damagedJson(text: string, thrown: unknown): string {
  if (text.trim() === '') return 'the file is empty.'
  const place = thrown instanceof Error ? /at position (\d+)/.exec(thrown.message)?.[1] : undefined
  const line = place === undefined ? undefined : text.slice(0, Number(place)).split('\n').length
  return `the file is damaged: it is no JSON${line === undefined ? '' : ` (line ${line})`}.`
}
