import { expect, it } from 'vitest'
import { sentencesOf } from '../../testing/sentences.ts'
import { MODELS_CODES } from './models.ts'

it('the failures of models read well', () => {
  expect(sentencesOf(MODELS_CODES)).toMatchInlineSnapshot(`
    "
    models.corrupt
      The file model.onnx does not hold what it should.
      bare: A file of the model does not hold what it should.
      fix: Load the model again. If it happens again, choose another model.
    models.truncated
      The file model.onnx ended after 5000 of 9000 bytes.
      bare: A file of the model ended after ? of ? bytes.
      fix: Load the model again.
    models.unavailable
      The file model.onnx could not be loaded (404).
      bare: A file of the model could not be loaded (no answer).
      fix: Check that its source has it and can be reached.
    models.unsupported
      This model cannot run here: no chat template.
      bare: This model cannot run here: its layout is unknown.
      fix: Choose another model.
    models.unknown
      The model is unknown.
      fix: Choose another model.
    models.no-space
      The model needs 1200 MB of storage; 300 MB are free.
      bare: The model needs ? MB of storage; ? MB are free.
      fix: Free some space, or choose a smaller model.
    models.quota-exceeded
      The storage for models is used up. What was stored before is kept.
      fix: Delete a model or free some space, then load it again: it goes on where it stopped.
    models.disk-full
      The disk is full. What was stored before is kept.
      fix: Free some space, then load the model again: it goes on where it stopped.
    models.store-busy
      The files of this model have been busy for minutes.
      fix: Close whatever else uses them, then try again.
    models.store-lost
      What keeps the model files has stopped. What was stored before is kept.
      fix: Load the model again: it goes on where it stopped.
    models.in-use
      The model is in use, so it was not deleted.
      fix: Stop using it, then delete it.
    "
  `)
})
