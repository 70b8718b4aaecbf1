import type { Backend } from '#shared/engine/engine.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { BenchOptions } from '../figure.ts'
import { measureSketchShare } from './sketch-share.ts'

const AIM_SHARE = 1.02
/** A few pairs for a look; the figure stands on what `measureSketchShare` takes by itself. */
const QUICK = { pairs: 4, answers: 2 }
/** A software adapter takes seconds of processor time for one answer, a processor by itself for several. */
const ANSWERS = { wasm: 4, webgpu: 1 } as const

/** What sketches cost a provider: decoding with them over decoding without, on wasm and on WebGPU in this Node. */
export async function printSketchShare({ quick, print }: BenchOptions): Promise<void> {
  for (const backend of ['wasm', 'webgpu'] as const) await printOn(backend, { quick, print })
}

async function printOn(
  backend: Backend,
  { quick, print }: Pick<BenchOptions, 'quick' | 'print'>,
): Promise<void> {
  try {
    const { share, low, high, pairs, adapter } = await measureSketchShare({
      ...{ backend, answers: ANSWERS[backend] },
      ...(quick && QUICK),
    })
    const at = { model: 'infernet-tiny', dtype: 'fp32', backend, adapter }
    const note = 'processor time; low and high are the 95 % interval of the median of the pairs'
    print(
      {
        bench: 'trust',
        metric: 'sketchShare',
        case: at,
        value: share,
        unit: 'ratio',
        low,
        high,
        runs: pairs,
        note,
      },
      { atMost: AIM_SHARE },
    )
  } catch (thrown) {
    if (!(thrown instanceof InfernetError && thrown.code.startsWith('engine.no-'))) throw thrown
    console.error(`trust: sketchShare on ${backend} is skipped: ${thrown.message}`)
  }
}
