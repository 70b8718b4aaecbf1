import type { SubgroupResult } from '#shared/engine/subgroup-trial.ts'
import type { StartedEngine } from '../../state/session/services.ts'
import { formatSpan, formatSpeed } from '../../ui/format.ts'

export interface TestFacts {
  readonly testSpeed: number
  readonly testedAt: number
  readonly adapter: string
  readonly subgroups: SubgroupResult | undefined
}

export function testFacts({ engine, subgroups }: StartedEngine): TestFacts {
  const { info, testedAt } = engine
  return { testSpeed: info.decodeTokensPerSecond, testedAt, adapter: info.adapter, subgroups }
}

/** How fast, on what, when, and what was found of the GPU's subgroups. */
export function testWords({ testSpeed, testedAt, adapter, subgroups }: TestFacts, now: number): string {
  const facts = [
    testSpeed ? formatSpeed(testSpeed) : '',
    adapter !== 'cpu' ? `on ${adapter}` : '',
    `${formatSpan(Math.max(0, now - testedAt))} ago`,
  ]
  const found = subgroups ? `. ${subgroupWords(subgroups)}` : ''
  return facts.filter((fact) => fact !== '').join(', ') + found
}

/** What the trial of the `subgroups` feature found, in one sentence. */
function subgroupWords({ why, gain = 1, operators }: SubgroupResult): string {
  switch (why) {
    case 'faster':
      return `Subgroups are on: right here, and ${Math.round((gain - 1) * 100)} % faster.`
    case 'slower':
      return 'Subgroups are off: right here, but not faster.'
    case 'wrong':
      return `Subgroups are off: this GPU gets other tokens with them${operators ? ` (${operators})` : ''}.`
    case 'failed':
      return 'Subgroups are off: the model did not start with them.'
  }
}
