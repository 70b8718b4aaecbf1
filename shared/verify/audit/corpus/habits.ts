import type { SeededChoice } from './seeded-choice.ts'

/** Writes as people type: without capitals or a full stop, with a please, a slip of the finger, a line too many. */
export function typeLikeAPerson(text: string, choice: SeededChoice): string {
  let typed = text
  if (choice.chance(0.08)) typed = addPlease(typed, choice)
  if (choice.chance(0.25)) typed = typed.charAt(0).toLowerCase() + typed.slice(1)
  if (choice.chance(0.06)) typed = typed.toLowerCase()
  if (choice.chance(0.25)) typed = typed.replace(/[.?]$/, '')
  if (choice.chance(0.07)) typed = slip(typed, choice)
  if (choice.chance(0.03)) typed = `${typed}${choice.pick(['\n', ' ', '!!', '?', ' thx', ' :)'])}`
  return typed
}

function addPlease(text: string, choice: SeededChoice): string {
  if (/please/i.test(text)) return text
  if (choice.chance(0.4)) return `Please ${text.charAt(0).toLowerCase()}${text.slice(1)}`
  return text.replace(/([.?]?)$/, `${choice.pick([', please', ' please', ' pls'])}$1`)
}

/** Two letters change places, one is lost, or one comes twice. */
function slip(text: string, choice: SeededChoice): string {
  const at = 1 + choice.below(Math.max(1, text.length - 2))
  const [before, here, next, rest] = [
    text.slice(0, at),
    text.charAt(at),
    text.charAt(at + 1),
    text.slice(at + 2),
  ]
  if (!/^[a-z]{2}$/.test(here + next)) return text
  return choice.pick([
    `${before}${next}${here}${rest}`,
    `${before}${next}${rest}`,
    `${before}${here}${here}${next}${rest}`,
  ])
}
