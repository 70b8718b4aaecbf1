import { parseEther } from 'viem'
import { describe, expect, it } from 'vitest'
import { findAnvil } from '../chain/find-anvil.ts'
import { runDemo } from '../fixtures/run-demo.ts'

interface Report {
  readonly tokens: number
  readonly paid?: string
  readonly shares?: Readonly<Record<string, string>>
}

describe('npm run demo', () => {
  it('prints an answer that another tab wrote, then one line on who, how, how fast, and who was paid', async ({
    signal,
  }) => {
    const run = await runDemo(['What', 'does', 'a', 'relay', 'do?'], signal)
    expect(run.code, run.err).toBe(0)
    const report = run.report as Report
    const answer = run.out.trimEnd().split('\n').slice(0, -1).join('\n')
    expect(answer).toMatch(/relay/i)
    expect(report).toMatchObject({
      provider: expect.stringMatching(/^12D3KooW/) as string,
      providerKind: 'tab',
      backend: 'wasm',
      path: 'webrtc',
      direct: true,
      ttftMs: expect.any(Number) as number,
      tokensPerSecond: expect.any(Number) as number,
    })
    expect(report.tokens).toBeGreaterThan(0)
    // npm brings anvil for Linux on x64 alone: elsewhere answers are free, and both are missing.
    expect(report.paid !== undefined).toBe(findAnvil() !== undefined)
    if (report.paid === undefined) return
    const shares = Object.values(report.shares ?? {}).map((share) => parseEther(share))
    expect(shares).toHaveLength(5)
    expect(shares.reduce((sum, share) => sum + share, 0n)).toBe(parseEther(report.paid))
    expect(parseEther(report.paid)).toBeGreaterThan(0n)
  })
})
