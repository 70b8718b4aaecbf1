import type { CheckReport } from '#shared/peer/check-events.ts'
import type { Peer } from '#shared/peer/peer.ts'
import type { Transcript } from '#shared/stream/transcript.ts'
import { cheatNamed } from '#shared/testing/cheats/cheats.ts'
import { loadTinyParts } from '#shared/testing/cheats/tiny-parts.ts'
import { buildPage } from '../fixtures/build-page.ts'
import { startRelayProcess } from '../fixtures/relay-process.ts'
import { TestNetwork } from '../peers/test-network.ts'
import { askAloud, longPromptOf, promptOf } from './ask-aloud.ts'
import { probeUntilExcluded } from './record-demo.ts'
import { lend, openBrowser, openLenderTab, openVerifierNode } from './verifiers.ts'

export interface CheckDemoInit {
  readonly prompt: string
  /** What the provider does wrong. @default nothing */
  readonly cheat: string | undefined
  /** `tab`: on WebGPU in a browser; `node`: on WebGPU in Node, where it runs. */
  readonly verifier: string
  readonly chromium: string | undefined
}

/**
 * An answer and its check by a stranger, without looking at a screen: a relay, a provider on wasm, one who asks, and a
 * verifier of another class that opens when the answer is there, so that it cannot have written it. Both are tabs; one
 * that cheats is a Node peer, because no page cheats, and is asked for more tokens. The verdict is printed; the last line is one JSON object, whose
 * `verified` is its outcome. A cheat that no single check shows takes probes: see `record-demo.ts`.
 *
 * @returns the exit code: 0 when an honest answer agrees, or one with a cheat differs
 */
export async function checkDemo({ prompt, cheat, verifier, chromium }: CheckDemoInit): Promise<number> {
  if (cheat !== undefined && cheatNamed(cheat).caughtBy === 'record') return probeUntilExcluded(cheat)
  const isInTabs = verifier === 'tab'
  if (isInTabs) buildPage()
  await using network = new TestNetwork()
  const relay = await startRelayProcess({ args: ['--seed-provider', 'off'] })
  network.defer(() => relay.stop())
  const parts = await loadTinyParts()
  network.defer(() => parts.close())
  const browser = isInTabs ? await openBrowser(network, chromium) : undefined
  if (browser && cheat === undefined) await openLenderTab(browser, relay.url, 'wasm')
  else await lend(network, relay.address, cheat === undefined ? parts.honest : cheatNamed(cheat).wrap(parts))
  const { peer } = await network.node({ relays: [relay.address] })
  const { transcript } = await askAloud(peer, (cheat ? longPromptOf : promptOf)(prompt, parts), parts)
  if (browser) await openLenderTab(browser, relay.url, 'webgpu')
  else await openVerifierNode({ network, relay: relay.address, manifest: parts.model.manifest })
  const report = await check(peer, transcript)
  const { outcome } = report.verdict
  const line = { ...lineOf(report), ...(cheat ? { cheat } : {}), verified: outcome }
  process.stdout.write(`${JSON.stringify(line)}\n`)
  return outcome === (cheat === undefined ? 'agrees' : 'differs') ? 0 : 1
}

async function check(peer: Peer, transcript: Transcript): Promise<CheckReport> {
  for await (const event of peer.check(transcript, { by: 'peer', profile: 'fp32' })) {
    if (event.type === 'asked') console.error(`A stranger on ${event.backend} is asked to check it ...`)
    if (event.type === 'passed-over') console.error(`It gave no verdict: ${event.reason.message}`)
    if (event.type === 'done') return event.report
  }
  throw new Error('The check ended without a report.')
}

function lineOf({ provider, verifier, verdict, cost }: CheckReport): object {
  const { findings, class: seen, reason, difference } = verdict
  const { tokens, opened, margins, largestMargin, sketchDistance, largestSketchDistance } = findings
  console.error(
    `The verdict: ${verdict.outcome}${difference ? ` in its ${difference}` : ''}${reason ? ` (${reason})` : ''}. ` +
      `${tokens} tokens read on ${seen.backend} (${seen.adapter}), ${margins[0]} of them exactly as drawn there, ` +
      `${opened} sketches opened, largest margin ${largestMargin}, sketch distance ${sketchDistance} logits.`,
  )
  return {
    ...{ provider, verifier, ...seen, tokens, opened, margins, largestMargin },
    ...{ sketchDistance, largestSketchDistance, cost: String(cost), reason, difference },
  }
}
