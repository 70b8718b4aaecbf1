import { expect, it } from 'vitest'
import { sentIn } from './links.ts'

it('reads what crossed a link from what the system says of its queue, and takes nothing else for it', () => {
  const said = [
    'qdisc tbf 8001: root refcnt 3 rate 20Mbit burst 32Kb lat 100ms',
    ' Sent 20731412 bytes 13810 pkt (dropped 12, overlimits 27550 requeues 0)',
    ' backlog 1514b 1p requeues 0',
  ].join('\n')
  expect(sentIn(said)).toBe(20_731_412)
  expect(() => sentIn('qdisc noqueue 0: root refcnt 2\n Sent 5 bytes 1 pkt')).toThrow('no link is counted')
})
