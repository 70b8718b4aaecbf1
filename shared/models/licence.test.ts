import { describe, expect, it } from 'vitest'
import { licenceOf, mayPassOn, type CardLicence } from './licence.ts'

describe('licenceOf', () => {
  it.each<[string, CardLicence, object]>([
    ['an id of the hub', { license: 'apache-2.0' }, { id: 'apache-2.0' }],
    ['the first of several', { license: ['mit', 'apache-2.0'] }, { id: 'mit' }],
    [
      'one of its own, with a page',
      { license: 'other', license_name: 'qwen-research', license_link: 'https://example.org/a/LICENSE?x=1' },
      { id: 'qwen-research', link: 'https://example.org/a/LICENSE?x=1' },
    ],
    [
      'one of its own, with a file',
      { license: 'other', license_link: 'LICENSE.md' },
      { id: 'other', link: 'LICENSE.md' },
    ],
    ['none', {}, { id: 'unknown' }],
    ['what is no text', { license: { a: 1 } }, { id: 'other' }],
    ['a name that would draw over the page', { license: 'mit\u202egnp' }, { id: 'other' }],
    ['a link that is a script', { license: 'mit', license_link: 'javascript:alert(1)' }, { id: 'mit' }],
    ['a link without encryption', { license: 'mit', license_link: 'http://example.org/' }, { id: 'mit' }],
    ['a link that leaves its folder', { license: 'mit', license_link: '../LICENSE' }, { id: 'mit' }],
    ['a link that leaves its tag', { license: 'mit', license_link: 'https://a.b/"><b>' }, { id: 'mit' }],
    ['a link without end', { license: 'mit', license_link: `https://a.b/${'c'.repeat(200)}` }, { id: 'mit' }],
  ])('takes %s', (_, card, licence) => {
    expect(licenceOf(card, false)).toEqual({ ...licence, isGated: false })
  })

  it('says that a model is gated', () => {
    expect(licenceOf({ license: 'gemma' }, true)).toEqual({ id: 'gemma', isGated: true })
  })
})

describe('mayPassOn', () => {
  it.each([
    ['apache-2.0', [], true],
    ['mit', [], true],
    ['llama3.2', [], false],
    ['llama3.2', ['LICENSE.txt'], true],
    ['gemma', ['onnx/LICENSE'], false],
    ['cc-by-nc-4.0', ['LICENSE'], false],
    ['qwen-research', ['LICENSE'], false],
    ['other', ['LICENSE'], false],
    ['unknown', ['LICENSE'], false],
  ])('of %s with %j is %s', (id, paths, may) => {
    expect(mayPassOn({ id }, paths)).toBe(may)
  })
})
