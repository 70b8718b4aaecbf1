import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readTinyModel } from '#shared/testing/tiny-model.ts'
import { modelType, tensorType } from './onnx-messages.ts'
import { bytes, float, int32, int64, many, message, one, text } from './proto-message.ts'

const innerType = message({ name: one(1, text), numbers: many(2, int64) })
const wholeType = message({
  number: one(1, int32),
  word: one(2, text),
  raw: one(3, bytes),
  real: one(4, float),
  inner: one(5, innerType),
  all: many(6, innerType),
})

const inner = fc.record({
  name: fc.option(fc.string({ unit: 'grapheme' }), { nil: undefined }),
  numbers: fc.array(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)),
  unknown: fc.constant([]),
})
const whole = fc.record({
  number: fc.option(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { nil: undefined }),
  word: fc.option(fc.string({ unit: 'grapheme' }), { nil: undefined }),
  raw: fc.option(
    fc.uint8Array().map((array) => Uint8Array.from(array)),
    { nil: undefined },
  ),
  real: fc.option(fc.float({ noNaN: true }), { nil: undefined }),
  inner: fc.option(inner, { nil: undefined }),
  all: fc.array(inner),
  unknown: fc.constant([]),
})

describe('message', () => {
  it('reads what it wrote', () => {
    fc.assert(
      fc.property(whole, (value) => {
        expect(wholeType.decode(wholeType.encode(value))).toEqual(value)
      }),
    )
  })

  it('keeps fields that its table does not name', () => {
    const narrow = message({ word: one(2, text) })
    fc.assert(
      fc.property(whole, (value) => {
        const passed = narrow.encode(narrow.decode(wholeType.encode(value)))
        expect(wholeType.decode(passed)).toEqual(value)
      }),
    )
  })

  it('takes numbers one by one as well as packed', () => {
    expect(innerType.decode(Uint8Array.of(0x10, 5, 0x12, 2, 6, 7, 0x10, 8)).numbers).toEqual([5n, 6n, 7n, 8n])
  })

  it('gives bytes as views of the file', () => {
    const file = wholeType.encode({ ...nothing, raw: Uint8Array.of(1, 2, 3) })
    expect(wholeType.decode(file).raw?.buffer).toBe(file.buffer)
  })

  it.each([
    ['a value behind its run', [0x32, 0x04, 0x12, 0x01, 0x80, 0x01]],
    ['a message behind the file', [0x2a, 0x05, 0x00]],
    ['a word behind its message', [0x2a, 0x02, 0x0a, 0x09, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ['the same field twice', [0x08, 0x01, 0x08, 0x01]],
    ['another wire type', [0x0d, 0, 0, 0, 0]],
  ])('refuses %s', (_, file) => {
    expect(() => wholeType.decode(Uint8Array.from(file))).toThrow(
      expect.objectContaining({ code: 'models.corrupt' }),
    )
  })
})

const nothing = {
  number: undefined,
  word: undefined,
  raw: undefined,
  real: undefined,
  inner: undefined,
  all: [],
  unknown: [],
}

describe('the messages of ONNX', () => {
  it('say after writing what a real model said', async () => {
    const { files, manifest } = await readTinyModel('q4')
    const file = await files.read(manifest.weights)
    const model = modelType.decode(file)
    expect(model.graph?.nodes.length).toBe(61)
    expect(modelType.decode(modelType.encode(model))).toEqual(model)
    const [tensor] = model.graph?.initializers ?? []
    expect(tensor && tensorType.decode(tensorType.encode(tensor))).toEqual(tensor)
  })
})
