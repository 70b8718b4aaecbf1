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
    models.bad-catalogue
      A list of models was left out: it is no JSON.
      bare: A list of models was left out: it cannot be read.
      fix: The other lists are used. Whoever made this one can mend it.
    models.no-space
      The model needs 1200 MB of storage; 300 MB are free.
      bare: The model needs ? MB of storage; ? MB are free.
      fix: Free some space, or choose a smaller model.
    models.over-limit
      The model needs 1200 MB of storage; your limit for models leaves 300 MB.
      bare: The model needs ? MB of storage; your limit for models leaves ? MB.
      fix: Raise the limit on the page Models, delete a model there, or choose a smaller one.
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
    models.store-full
      The storage is full: 300 of 1200 MB of the model are kept.
      bare: The storage is full: ? of ? MB of the model are kept.
      fix: Free some space; the download then goes on where it stopped.
    models.nobody-left
      Nobody can be reached who has the rest of the model: 300 of 1200 MB are kept.
      bare: Nobody can be reached who has the rest of the model: ? of ? MB are kept.
      fix: Try again later; the download goes on where it stopped.
    models.origin-differs
      The origin serves other bytes than the model's as model.onnx.
      bare: The origin serves other bytes than the model's.
      fix: Nothing to do: they were not kept, and the rest comes from elsewhere.
    models.wrong-piece
      A peer sent wrong bytes.
      fix: Nothing to do: they were not kept, and the peer is not asked again.
    models.lying-seeder
      A peer says that it has pieces which it does not have.
      fix: Nothing to do: the pieces come from elsewhere.
    models.seeder-stalled
      A peer that should send a piece of the model sends nothing.
      fix: Nothing to do: the piece comes from elsewhere.
    models.seeder-flood
      A peer sends more than it was asked for.
      fix: Nothing to do: its connection was closed.
    models.never-relayed
      Models do not travel over a relay.
      fix: Take the model from its origin, or from a peer that can be reached directly.
    models.not-seeded
      The peer does not pass on this model.
      fix: Ask another peer, or the origin.
    models.not-passed-on
      The model's licence does not let anybody pass it on.
      fix: Nothing to do: it is kept for this computer alone.
    models.withheld
      Nobody who can be reached passes on tokenizer.json, which this model needs.
      bare: Nobody who can be reached passes on a file, which this model needs.
      fix: Try again later, or add the model from its hub.
    models.peers-not-asked
      Only peers have tokenizer.json, which this model needs, and no peer is asked.
      bare: Only peers have a file, which this model needs, and no peer is asked.
      fix: Let peers be asked, or add the model from its hub.
    models.upload-busy
      The peer passes on to as many others as it can.
      fix: Ask another peer, or wait.
    models.upload-spent
      The peer has given as much as it gives for nothing in a day.
      fix: Ask another peer, or the origin.
    models.piece-missing
      The peer does not have piece 7 of the model.
      bare: The peer does not have piece ? of the model.
      fix: Ask another peer.
    models.too-many-wants
      More than 16 pieces are asked for at once.
      bare: More than ? pieces are asked for at once.
      fix: Wait for some of them first.
    "
  `)
})
