import { expect, it } from 'vitest'
import { epochMillis } from '#shared/base/units.ts'
import type { SubgroupResult } from '#shared/engine/subgroup-trial.ts'
import { testWords } from './test-words.ts'

const at = epochMillis(1_000_000)
const tested = { testSpeed: 44, testedAt: at, adapter: 'acme rocket', subgroups: undefined }
const result: SubgroupResult = { on: false, why: 'slower', gain: 1.01, operators: undefined, at }

it('tells speed, adapter, age and what was found of the subgroups', () => {
  const said = (subgroups: SubgroupResult | undefined): string =>
    testWords({ ...tested, subgroups }, 1_000_000 + 180_000)
  expect([
    said(undefined),
    said(result),
    said({ ...result, on: true, why: 'faster', gain: 1.234 }),
    said({ ...result, why: 'wrong', operators: 'GroupQueryAttention' }),
    said({ ...result, why: 'wrong' }),
    said({ ...result, why: 'failed' }),
    testWords({ ...tested, adapter: 'cpu', testSpeed: 0 }, at),
  ]).toMatchInlineSnapshot(`
    [
      "44 tok/s, on acme rocket, 3 min ago",
      "44 tok/s, on acme rocket, 3 min ago. Subgroups are off: right here, but not faster.",
      "44 tok/s, on acme rocket, 3 min ago. Subgroups are on: right here, and 23 % faster.",
      "44 tok/s, on acme rocket, 3 min ago. Subgroups are off: this GPU gets other tokens with them (GroupQueryAttention).",
      "44 tok/s, on acme rocket, 3 min ago. Subgroups are off: this GPU gets other tokens with them.",
      "44 tok/s, on acme rocket, 3 min ago. Subgroups are off: the model did not start with them.",
      "0 s ago",
    ]
  `)
})
