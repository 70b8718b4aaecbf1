import type { SideName } from './bench-tab.ts'
import type { EngineCase } from './cases.ts'
import { STREAMS, type CaseSamples, type SideSamples } from './measure.ts'

const MB = 1e6

/** A figure without where it was measured. */
export interface Line {
  readonly metric: string
  readonly value: number
  readonly unit: string
  readonly peerValue?: number
  readonly isSmallBetter?: boolean
  readonly streams?: number
}

/** The best of each: what else runs on the machine only ever makes a figure worse. */
export function linesOf(on: EngineCase, samples: CaseSamples): Line[] {
  const { ours, peer, memory } = samples
  const fastest = (pick: (side: SideSamples) => readonly number[]): { value: number; peerValue: number } => ({
    value: Math.max(...pick(ours)),
    peerValue: Math.max(...pick(peer)),
  })
  const held = (side: SideName): number =>
    memory[side].jsBytes + memory[side].wasmBytes + memory[side].gpuBytes
  const part = (metric: string, of: (side: SideName) => number): Line => ({
    metric,
    value: of('ours') / MB,
    peerValue: of('peer') / MB,
    unit: 'MB',
    isSmallBetter: true,
  })
  return [
    {
      metric: 'loadMs',
      value: Math.min(...ours.loadMs),
      peerValue: Math.min(...peer.loadMs),
      unit: 'ms',
      isSmallBetter: true,
    },
    firstLoadLine(samples),
    { metric: 'prefillTokensPerSecond', ...fastest(({ prefill }) => prefill), unit: 'tokens/s' },
    { metric: 'decodeTokensPerSecond', ...fastest(({ decode }) => decode), unit: 'tokens/s' },
    ...(on.streamTokens === undefined ? [] : streamLines(samples)),
    part('memoryMb', held),
    part('jsHeapMb', (side) => memory[side].jsBytes),
    part('wasmHeapMb', (side) => memory[side].wasmBytes),
    ...(on.backend === 'webgpu' ? [part('gpuMb', (side) => memory[side].gpuBytes), submitLine(samples)] : []),
    ...shareLines(on, samples),
  ]
}

/**
 * Of a page that has never run the model: ours measures and proves what later loads are told. `loadMs` is the best of
 * all, which is such a later one wherever there are several; in both the golden prompts are run.
 */
function firstLoadLine({ ours, peer }: CaseSamples): Line {
  const [value = NaN, peerValue = NaN] = [ours.loadMs[0], peer.loadMs[0]]
  return { metric: 'firstLoadMs', value, peerValue, unit: 'ms', isSmallBetter: true }
}

/** The peer serves eight as one batch or one after the other, whichever is faster here. */
function streamLines({ ours, peer }: CaseSamples): Line[] {
  const many = Math.max(...ours.many)
  const streams = STREAMS
  return [
    {
      metric: 'streamsTokensPerSecond',
      value: many,
      peerValue: Math.max(...peer.many, ...peer.one),
      unit: 'tokens/s',
      streams,
    },
    { metric: 'streamsGain', value: many / Math.max(...ours.one), unit: 'ratio', streams },
  ]
}

/** The peer replays nothing: it is what a step costs that was not captured. */
function submitLine({ ours, peer }: CaseSamples): Line {
  const [value, peerValue] = [Math.min(...ours.submitMs), Math.min(...peer.submitMs)]
  return { metric: 'submitMs', value, peerValue, unit: 'ms', isSmallBetter: true }
}

/** What checking costs beside writing, and what all but the model costs beside the model. */
function shareLines(on: EngineCase, { ours, scoreMs, scored, promptTokens, handling }: CaseSamples): Line[] {
  const stepMs = 1000 / Math.max(...ours.decode)
  const prefillMs = (1000 * promptTokens) / Math.max(...ours.prefill)
  // The aim of issue and line: beside writing them for q4, beside reading the prompt and writing them for fp32.
  const writtenMs = scored * stepMs + (on.dtype === 'q4' ? 0 : prefillMs)
  const unit = 'ratio'
  return [
    { metric: 'scoreShare', value: Math.min(...scoreMs) / writtenMs, unit },
    { metric: 'samplerMs', value: handling.sampler, unit: 'ms' },
    { metric: 'handlingShare', value: (handling.sampler + handling.tokenizer) / stepMs, unit },
  ]
}
