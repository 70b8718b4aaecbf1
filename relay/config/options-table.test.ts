import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { optionsTable } from './describe-options.ts'
import { OPTION_KEYS, OPTIONS } from './options.ts'

test("the operator's page holds the table of options as it is", () => {
  const page = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  // Printed in full when it differs, to be copied over.
  expect(page.includes(optionsTable()) ? '' : optionsTable()).toBe('')
})

test('each flag and each variable is there once', () => {
  for (const column of ['flag', 'env'] as const)
    expect(new Set(OPTION_KEYS.map((key) => OPTIONS[key][column])).size).toBe(OPTION_KEYS.length)
})
