import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import * as limits from './limits.ts'

test("the operator's page tells the limits as they are", () => {
  const page = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| `([A-Z][A-Z_0-9]+)` \| (.+?) \|/gm)]
  expect(rows.length).toBeGreaterThan(20)
  for (const [, name = '', value = ''] of rows)
    expect([name, value]).toEqual([name, JSON.stringify((limits as Record<string, unknown>)[name])])
})

test('a record dies before three are missed, and a silent client after three keep-alives', () => {
  expect(limits.RELAY_RECORD_LIFE_MS).toBe(3 * limits.RELAY_RECORD_MS)
  expect(limits.SILENT_CLIENT_MS).toBeGreaterThan(3 * 30_000)
  expect(limits.SILENT_CLIENT_MS).toBeGreaterThan(3 * limits.RELAY_RECORD_MS)
})

test('a message that is sent always fits what is received, many times over', () => {
  expect(limits.MAX_GOSSIP_RPC_BYTES).toBeGreaterThan(100 * limits.MAX_GOSSIP_MESSAGE_BYTES)
  expect(limits.MAX_STREAM_BUFFER_BYTES).toBeGreaterThan(limits.STREAM_WINDOW_BYTES)
})
