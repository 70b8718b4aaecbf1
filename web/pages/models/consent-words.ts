import type { ConsentQuestion } from '../../state/models/consent.svelte.ts'
import { formatBytes } from '../../ui/format.ts'

/** What is asked before a model is loaded; some of it may be here already. */
export function consentWords(asked: ConsentQuestion | undefined): {
  readonly title: string
  readonly accept: string
} {
  if (!asked) return { title: '', accept: 'Accept' }
  const { choice, purpose } = asked
  const size = `up to ${formatBytes(choice.bytes)} to load`
  return purpose === 'lend'
    ? { title: `Lend ${choice.name}?`, accept: `Accept and lend, ${size}` }
    : { title: `Run ${choice.name} in this tab?`, accept: `Accept and run, ${size}` }
}
