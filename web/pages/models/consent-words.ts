import type { ConsentQuestion } from '../../state/models/consent.svelte.ts'
import { formatBytes } from '../../ui/format.ts'

/** What is asked before a model is loaded; some of it may be here already. */
export function consentWords(asked: ConsentQuestion | undefined): {
  readonly title: string
  readonly say: string
  readonly accept: string
} {
  if (!asked) return { title: '', say: '', accept: '' }
  const { name, bytes } = asked.choice
  const say = `Up to ${formatBytes(bytes)} to download.`
  return asked.purpose === 'lend'
    ? { title: `Lend ${name}?`, say, accept: 'Accept and lend' }
    : { title: `Run ${name} in this tab?`, say, accept: 'Accept and run' }
}
