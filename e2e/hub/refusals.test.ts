import { readdir } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Scratch } from '#shared/models/origin/scratch.ts'
import { createFolderScratch } from './folder-scratch.ts'
import {
  GATED,
  LEVEL_4,
  NO_TOKENIZER,
  OWN_LICENCE,
  PLAIN,
  startHubTrial,
  type Attempt,
  type HubTrial,
} from './hub-trial.ts'
import { MEMBER_TOKEN, type LocalHub } from './local-hub.ts'

let trial: HubTrial
let hub: LocalHub
beforeAll(async () => {
  trial = await startHubTrial()
  hub = trial.hub
})
afterAll(() => trial.stop())
afterEach(() => trial.reset())
const add = (attempt?: Attempt) => trial.add(attempt)
const words = (attempt: Attempt) => trial.words(attempt)
const emptyFolder = () => trial.emptyFolder()

describe('what cannot be added', () => {
  const NAME = 'Check the name. If the repository is private, use the token of an account that may read it.'
  const OTHER = 'Choose another precision, or another repository.'
  const TERMS = 'Accept the terms on its page at the hub, then use a token of that account.'
  it.each<[string, Attempt, string]>([
    [
      'a repository that is missing or private',
      { repository: 'some-lab/none' },
      `The model was not found: the hub shows no repository some-lab/none, because there is none or it is private. ${NAME}`,
    ],
    [
      'the same with a token',
      { repository: 'some-lab/none', token: 'hf_other' },
      `The model was not found: the hub shows no repository some-lab/none, because there is none or it is private. ${NAME}`,
    ],
    [
      'a revision that is missing',
      { revision: 'v9' },
      `The model was not found: ${PLAIN} has no revision v9. ${NAME}`,
    ],
    [
      'what is no name',
      { repository: '../up' },
      `The model was not found: "../up" does not have the form owner/name. ${NAME}`,
    ],
    [
      'a precision that is missing',
      { dtype: 'fp16' },
      `This model cannot be added: ${PLAIN} has no precision fp16 (onnx/model_fp16.onnx), only fp32, q4. ${OTHER}`,
    ],
    [
      'one without a tokenizer',
      { repository: NO_TOKENIZER, dtype: 'q4' },
      `This model cannot be added: ${NO_TOKENIZER} has no tokenizer.json. ${OTHER}`,
    ],
    [
      'a gated one without a token',
      { repository: GATED, dtype: 'q4' },
      `The hub gives ${GATED} only to accounts that accepted its terms. ${TERMS}`,
    ],
    [
      "a gated one with a stranger's token",
      { repository: GATED, dtype: 'q4', token: 'hf_other' },
      `The hub does not give ${GATED} to the account of this token. ${TERMS}`,
    ],
    [
      'one whose licence was not accepted',
      { repository: OWN_LICENCE, dtype: 'q4', accept: () => false },
      'The licence some-licence was not accepted, so nothing was loaded. Read the licence, then accept it or choose another model.',
    ],
  ])('%s: in words with what to do', async (_, attempt, said) => {
    const folder = await emptyFolder()
    expect(await words({ ...attempt, folder })).toBe(said)
    expect(await readdir(folder)).toEqual([])
  })

  it('one that nobody could check: with the rule, and before its weights are loaded', async () => {
    const said = await words({ repository: LEVEL_4, dtype: 'q4' })
    expect(said).toBe(
      'This model cannot be added: its check "accuracy-level" fails. A MatMulNBits has accuracy_level 4: activations are rounded to 8 bits, by each backend in its own way, so two honest peers get different answers and neither can check the other. Export with accuracy_level 0. ' +
        OTHER,
    )
    expect(hub.asked.filter((path) => path.includes('/resolve/'))).toHaveLength(3)
  })

  it('what there is no room for', async () => {
    const scratch = createFolderScratch(await emptyFolder())
    await expect(scratch.open({ path: 'onnx/model.onnx', size: 1e18 })).rejects.toMatchObject({
      code: 'models.no-space',
      facts: { neededMb: 1e12 },
    })
  })

  it('what cannot be kept, which is no fault of the hub', async () => {
    const folder = await emptyFolder()
    const kept = createFolderScratch(folder)
    const full: Scratch = {
      async open(file) {
        const growing = await kept.open(file)
        if (file.path !== 'onnx/model.onnx') return growing
        const write = (): Promise<void> => Promise.reject(new Error('the disk is full'))
        return {
          size: 0,
          write,
          read: (...range) => growing.read(...range),
          truncate: (size) => growing.truncate(size),
          adopt: (whole) => growing.adopt(whole),
          close: () => growing.close(),
        }
      },
    }
    await expect(add({ scratch: full })).rejects.toThrow('the disk is full')
    expect(hub.asked.filter((path) => path.endsWith('onnx/model.onnx'))).toHaveLength(1)
  })

  it.each([
    [GATED, 'llama3.2', true],
    [OWN_LICENCE, 'some-licence', false],
  ])('%s is for oneself: its licence lets nobody hand it on', async (repository, id, isGated) => {
    const { manifest } = await add({ repository, dtype: 'q4', token: MEMBER_TOKEN })
    expect(manifest.licence).toMatchObject({ id, isGated, mayPassOn: false })
  })
})
