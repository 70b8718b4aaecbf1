import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createTemplate } from './render.ts'
import { TemplateError } from './template-error.ts'

const MESSAGES = [
  { role: 'user', content: 'Hi é' },
  { role: 'assistant', content: null },
]
const render = (source: string, values: Readonly<Record<string, unknown>> = { messages: MESSAGES }): string =>
  createTemplate(source, { now: () => 0 }).render(values)

function faultOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    return error instanceof TemplateError ? error.fault : `no fault: ${String(error)}`
  }
  return 'none'
}

/** Each template with what Python makes of it, null where it fails; `python-values.py` writes them. */
const VALUES = JSON.parse(
  readFileSync(new URL('python-values.json', import.meta.url), 'utf8'),
) as readonly (readonly [template: string, text: string | null])[]

describe('a template', () => {
  it.each(VALUES.filter(([, text]) => text !== null))('%j gives what Python gives', (template, text) => {
    expect(render(template)).toBe(text)
  })

  it.each(VALUES.filter(([, text]) => text === null))('%j fails as in Python', (template) => {
    expect(['syntax', 'chat', 'unknown']).toContain(faultOf(() => render(template)))
  })

  it.each([
    ['the filter escape', "{{ 'a' | escape }}"],
    ['the filter groupby', '{{ messages | groupby("role") }}'],
    ['the filter safe', "{% set a = 'b' | safe %}"],
    ['the test filter', "{{ 'upper' is filter }}"],
    ['{% block %}', '{% block a %}{% endblock %}'],
    ['{% include %}', "{% include 'a' %}"],
    ['str.encode', "{{ 'a'.encode() }}"],
    ['the text of a generator', "{{ messages | map('upper') }}"],
    ['the text of a range', '{{ range(3) }}'],
    ['the text of a function', '{{ messages[0].items }}'],
    ['a number of more than 15 digits', '{{ 2 ** 70 }}'],
    ['the format {:>5}', "{{ '{:>5}'.format('a') }}"],
    ['characters by their names', String.raw`{{ '\N{BULLET}' }}`],
    ['the date part %Q', "{{ strftime_now('%Q') }}"],
    ['sameas of texts', "{{ 'a' is sameas 'a' }}"],
  ])('says by name that %s is not known here', (name, template) => {
    expect(() => render(template)).toThrow(expect.objectContaining({ fault: 'unknown', message: name }))
  })

  it('never lets a name of JavaScript through', () => {
    for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
      expect(
        render(`{{ messages[0].${name} is defined }}{{ 'a'.${name} is defined }}{{ ${name} is defined }}`),
      ).toBe('FalseFalseFalse')
      expect(['unknown', 'chat']).toContain(faultOf(() => render(`{{ 'a' | ${name} }}`)))
      expect(faultOf(() => render(`{{ 'a' is ${name} }}`))).toBe('unknown')
      expect(faultOf(() => render(`{% ${name} %}`))).toBe('syntax')
    }
  })
})

describe('the date', () => {
  const at = (format: string, now: number): string =>
    createTemplate(`{{ strftime_now('${format}') }}`, { now: () => now }).render({})

  it.each([
    // Python: datetime.datetime(2026, 3, 5, 12, 4, 9).strftime(...)
    ['%A %-d %y %I %p', 'Thursday 5 26 12 PM'],
    ['%a %b %e %H:%M:%S %Y', 'Thu Mar  5 12:04:09 2026'],
    [
      '%c|%x|%X|%D|%F|%R|%T|%r',
      'Thu Mar  5 12:04:09 2026|03/05/26|12:04:09|03/05/26|2026-03-05|12:04|12:04:09|12:04:09 PM',
    ],
    ['%j %U %W %V %G %u %w', '064 09 09 10 2026 4 4'],
    ['%-m/%-d/%Y %-I:%M %P', '3/5/2026 12:04 pm'],
    ['%_d|%k|%l|%C|%%|%B %h', ' 5|12|12|20|%|March Mar'],
    ['%^a%^B|%Z%z|%f', 'THUMARCH||000000'],
  ])('%s is %s', (format, text) => {
    expect(at(format, Date.UTC(2026, 2, 5, 12, 4, 9))).toBe(text)
  })

  it('is right at the turn of a year and at midnight', () => {
    expect(at('%I %p %j %U %W %V %G', Date.UTC(2027, 0, 1))).toBe('12 AM 001 00 00 53 2026')
  })
})

describe('what a template may cost', () => {
  it.each([
    ['a long range', '{% for i in range(30000000) %}{% endfor %}'],
    ['loops in loops', '{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}'],
    [
      'a text that doubles',
      "{% set n = namespace(s='aa') %}{% for i in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}",
    ],
    [
      'a text that is joined',
      "{% set n = namespace(s='aa') %}{% for i in range(99) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
    ],
    [
      'a list that doubles',
      '{% set n = namespace(s=[1]) %}{% for i in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}',
    ],
    ['a text many times', "{{ 'abcdefgh' * 999999999 }}"],
    ['a list many times', '{{ [1] * 999999999 }}'],
    ['much that is printed', "{% for i in range(99999) %}{{ 'a' * 1000 }}{% endfor %}"],
    ['a wide column', "{{ 'a' | center(999999999) }}"],
    ['a filled text', "{{ 'a'.ljust(999999999) }}{{ 'a'.zfill(999999999) }}"],
    ['a deep indent', '{{ messages | tojson(indent=999999999) }}'],
    ['an indent of lines', "{{ ('a\\n' * 9999) | indent(9999) }}"],
    ['replacing', "{{ ('a' * 9999) | replace('a', 'b' * 9999) }}"],
    ['joining', "{{ range(9999) | join('b' * 9999) }}"],
    ['batches', '{{ [1] | batch(999999999, 0) | list }}'],
    ['a macro that calls itself', '{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}'],
    ['a loop that calls itself', '{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}'],
    [
      'lists in lists',
      '{% set n = namespace(s=[]) %}{% for i in range(9999) %}{% set n.s = [n.s, n.s] %}{% endfor %}{{ n.s }}',
    ],
    [
      'lists in lists, compared',
      '{% set n = namespace(s=[], t=[]) %}{% for i in range(99) %}{% set n.s = [n.s, n.s] %}{% set n.t = [n.t, n.t] %}{% endfor %}{{ n.s == n.t }}',
    ],
    [
      'lists in lists, as JSON',
      '{% set n = namespace(s=[]) %}{% for i in range(99) %}{% set n.s = [n.s, n.s] %}{% endfor %}{{ n.s | tojson }}',
    ],
    ['searching', "{% set s = 'a' * 999999 %}{% for i in range(99999) %}{{ 'b' in s }}{% endfor %}"],
    ['cutting', "{% set s = 'a' * 999999 %}{% for i in range(99999) %}{{ s[1:] | length }}{% endfor %}"],
    ['one character of many', "{% set s = 'a' * 999999 %}{% for i in range(99999) %}{{ s[i] }}{% endfor %}"],
  ])('ends %s by name', (_, template) => {
    expect(faultOf(() => render(template))).toBe('endless')
  })

  it('is bounded in depth where a template is read', () => {
    for (const [open, close] of [
      ['(', ')'],
      ['[', ']'],
      ['not ', ''],
      ['-', ''],
      ['1 if ', ' else 1'],
    ])
      expect(faultOf(() => render(`{{ ${open?.repeat(5000)}1${close?.repeat(5000)} }}`))).toBe('syntax')
    expect(faultOf(() => render('{% if 1 %}'.repeat(5000) + '{% endif %}'.repeat(5000)))).toBe('syntax')
  })

  it('leaves room for a long talk', () => {
    const messages = Array.from({ length: 2000 }, (_, i) => ({
      role: i % 2 === 0 ? 'user' : 'assistant',
      content: 'Once there was a cat. '.repeat(20),
    }))
    const template =
      "{% for m in messages[::-1] %}{% set i = loop.index0 %}{% if m.role == 'user' and m.content.startswith('x') %}{{ i }}{% endif %}{% endfor %}{% for m in messages %}{% if '</think>' in m.content %}{{ m.content.split('</think>')[-1] | trim }}{% else %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endif %}{% endfor %}"
    expect(render(template, { messages })).toHaveLength(1000 * (2 * (12 + 1 + 440 + 11) + 4 + 9))
  })
})
