import { expect, it } from 'vitest'
import { peersWords } from './peers-words.ts'

it.each([
  [false, false, /^Asking for pieces tells peers .* asks no peer and sends none either\.$/],
  [true, false, /^This tab asks no peer for pieces and sends none\. The origin alone learns/],
  [false, true, /^You hide your address, so this tab asks no peer .* and sends none\.$/],
  [true, true, /^You hide your address/],
])(
  'from origins only %s, address hidden %s: says who learns what, and that nothing is sent',
  (originsOnly, hidesAddress, words) => {
    expect(peersWords({ originsOnly, hidesAddress })).toMatch(words)
  },
)
