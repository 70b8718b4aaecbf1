import { expect, it } from 'vitest'
import { sentencesOf } from '../../testing/sentences.ts'
import { STREAM_CODES } from './stream.ts'

it('the failures of stream read well', () => {
  expect(sentencesOf(STREAM_CODES)).toMatchInlineSnapshot(`
    "
    stream.busy
      The provider already serves 4 and has 8 waiting.
      bare: The provider is busy.
      fix: Ask another provider.
    stream.draining
      The provider is leaving and takes no new work.
      fix: Ask another provider.
    stream.refused
      The provider does not answer this prompt.
      fix: Ask another provider.
    stream.silent
      The other side has been silent for 6000 ms.
      bare: The other side has been silent for ? ms.
      fix: Check the connection.
    stream.flooded
      The other side sends more messages than are needed.
      fix: Ask another provider.
    stream.stalled
      The provider is connected but has written nothing for 30000 ms.
      bare: The provider is connected but has written nothing for ? ms.
      fix: Ask another provider.
    stream.provider-lost
      The connection to the provider was lost.
      fix: Ask another provider.
    stream.cancelled
      The answer was stopped.
      fix: Ask again if you still want it.
    stream.bad-transcript
      This transcript does not prove its answer (question).
      bare: This transcript does not prove its answer (unknown).
      fix: Export it again. If that fails too, do not trust it.
    stream.bad-chunk
      A signed block is wrong (chain).
      bare: A signed block is wrong (unknown).
      fix: Ask another provider.
    stream.slow-reader
      The reader does not take its tokens in time.
      fix: Read faster, or ask again.
    stream.duplicate-job
      A job with this id is already running.
      fix: Use a new id.
    "
  `)
})
