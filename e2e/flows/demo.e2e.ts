import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseEther } from 'viem'
import { describe, expect, it } from 'vitest'
import { findAnvil } from '../chain/find-anvil.ts'

const DEMO = fileURLToPath(new URL('../run/demo.ts', import.meta.url))

interface Report {
  readonly tokens: number
  readonly paid?: string
  readonly shares?: Readonly<Record<string, string>>
}

describe('npm run demo', () => {
  it('prints an answer that another tab wrote, then one line on who, how, how fast, and who was paid', async ({
    signal,
  }) => {
    const { code, out, err } = await run(['What', 'does', 'a', 'relay', 'do?'], signal)
    expect(code, err).toBe(0)
    const lines = out.trimEnd().split('\n')
    const report = JSON.parse(lines.pop() ?? '') as Report
    expect(lines.join('\n')).toMatch(/relay/i)
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

async function run(
  args: readonly string[],
  signal: AbortSignal,
): Promise<{ code: unknown; out: string; err: string }> {
  const demo = spawn(process.execPath, [DEMO, ...args], { signal, killSignal: 'SIGTERM' })
  demo.on('error', () => undefined) // of the signal: `close` tells the same
  let out = ''
  let err = ''
  demo.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  demo.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  const code = await new Promise((resolve) => demo.once('close', resolve))
  return { code, out, err }
}
