import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const read = (path: string): string => readFileSync(fileURLToPath(new URL(path, import.meta.url)), 'utf8')
const [light = '', dark = ''] = read('../styles/tokens.css').split(":root[data-theme='dark']")
/** How much of the ink the darkest square has. */
const MOST = Number(/shadeOf\(distance \?\? 0\) \* (\d+)/.exec(read('DistanceMap.svelte'))?.[1]) / 100

type Triple = readonly [number, number, number]

/** Linear light, each channel 0 to 1. */
function token(sheet: string, name: string): Triple {
  const hex = new RegExp(`--color-${name}: #(\\w{6})`).exec(sheet)?.[1] ?? ''
  const channel = (at: number): number => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  }
  return [channel(0), channel(2), channel(4)]
}

/** The matrices of https://www.w3.org/TR/css-color-4/#color-conversion-code, by way of OKLab's author. */
function toOklab([r, g, b]: Triple): Triple {
  const [l, m, s] = [
    0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b,
    0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b,
    0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b,
  ].map(Math.cbrt) as [number, number, number]
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ]
}

function fromOklab([lightness, a, b]: Triple): Triple {
  const [l, m, s] = [
    lightness + 0.3963377774 * a + 0.2158037573 * b,
    lightness - 0.1055613458 * a - 0.0638541728 * b,
    lightness - 0.0894841775 * a - 1.291485548 * b,
  ].map((root) => root ** 3) as [number, number, number]
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ]
}

const luminance = ([r, g, b]: Triple): number => 0.2126 * r + 0.7152 * g + 0.0722 * b

function contrast(one: Triple, other: Triple): number {
  const [high = 0, low = 0] = [luminance(one), luminance(other)].toSorted((a, b) => b - a)
  return (high + 0.05) / (low + 0.05)
}

it.each([
  ['light', light],
  ['dark', dark],
])('can be read on every shade of the map in the %s theme', (_, sheet) => {
  expect(contrast(token(sheet, 'ink'), token(sheet, 'surface')), 'both colours were read').toBeGreaterThan(12)
  const [ground, ink] = [toOklab(token(sheet, 'sunk')), toOklab(token(sheet, 'ink-2'))]
  for (let part = 0; part <= MOST; part += 0.01) {
    const mixed = ground.map((from, i) => from + part * ((ink[i] ?? 0) - from)) as unknown as Triple
    expect(contrast(token(sheet, 'ink'), fromOklab(mixed)), `${part}`).toBeGreaterThan(4.5)
  }
  expect(MOST).toBeGreaterThan(0.3)
})
