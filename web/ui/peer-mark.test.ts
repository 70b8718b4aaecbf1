import { expect, it } from 'vitest'
import { peerMark } from './peer-mark.ts'

it('is the same for the same name, another for another, and mirrored', () => {
  const mark = peerMark('7Qm4Xa')
  expect(peerMark('7Qm4Xa')).toEqual(mark)
  expect(peerMark('p9HtRw')).not.toEqual(mark)
  for (const { x, y } of mark) expect(mark).toContainEqual({ x: 3 - x, y })
})
