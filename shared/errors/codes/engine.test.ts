import { expect, it } from 'vitest'
import { sentencesOf } from '../../testing/sentences.ts'
import { ENGINE_CODES } from './engine.ts'

it('the failures of engine read well', () => {
  expect(sentencesOf(ENGINE_CODES)).toMatchInlineSnapshot(`
    "
    engine.no-webgpu
      WebGPU is not available (the npm package webgpu is not installed).
      bare: WebGPU is not available.
      fix: Use the processor instead.
    engine.no-adapter
      WebGPU found no GPU.
      fix: Check the graphics driver, or use the processor instead.
    engine.software-adapter
      The GPU is only imitated in software, which is slower than the processor itself.
      fix: Use the processor instead.
    engine.limits
      The GPU allows 256 MB of memory in one piece; the model needs 311 MB.
      bare: The GPU allows ? of ?; the model needs ?.
      fix: Choose a smaller model.
    engine.out-of-memory
      The model needs 1092 MB of the GPU's memory; about 516 MB are free.
      bare: The GPU ran out of memory.
      fix: Close other programs that use the GPU, or choose a smaller model.
    engine.device-lost
      The GPU was reset or taken away.
      fix: Load the model again.
    engine.crashed
      The engine crashed (wasm trap).
      bare: The engine crashed.
      fix: Load the model again. If it happens again, choose a smaller model.
    engine.shader-failed
      The graphics driver could not compile a part of the model (MatMul).
      bare: The graphics driver could not compile a part of the model.
      fix: Update the graphics driver, or use the processor instead.
    engine.self-test-failed
      The self-test got 2 of 15 tokens wrong (MatMulNBits, Gather).
      bare: The self-test got ? of ? tokens wrong.
      fix: Update the graphics driver, or use the processor instead.
    engine.load-failed
      The model could not start (no session).
      bare: The model could not start (unknown reason).
      fix: Load it again, or choose another model.
    engine.bad-token
      Token 9000 is outside the vocabulary of 4096.
      bare: Token ? is outside the vocabulary of ?.
      fix: Use the tokenizer of this model.
    engine.context-full
      The prompt has 1200 tokens; the model holds 1024.
      bare: The prompt has ? tokens; the model holds ?.
      fix: Shorten the prompt.
    engine.queue-full
      The engine already has 8 requests waiting.
      bare: The engine already has ? requests waiting.
      fix: Wait a moment, then ask again.
    engine.bad-logits
      The model computed an invalid number for token 7.
      bare: The model computed invalid numbers.
      fix: Load the model again. If it happens again, use the processor, or choose another model.
    engine.bad-grammar
      The schema or grammar of the answer cannot be used (too deep).
      bare: The schema or grammar of the answer cannot be used (unknown).
      fix: Correct the schema or grammar, or ask without one.
    engine.grammar-stuck
      No token of the model fits the form that the answer must have.
      fix: Loosen the schema or grammar, or choose another model.
    engine.other-task
      The model does not do what was asked of it (feature-extraction).
      bare: The model does not do what was asked of it.
      fix: Choose another model.
    engine.closed
      The engine was stopped.
      fix: Start it again.
    "
  `)
})
