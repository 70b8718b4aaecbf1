import type { Connection } from '@libp2p/interface'
import { describe, expect, it } from 'vitest'
import { isTurned, measureTurn } from './webrtc-path.ts'

type Entry = Readonly<Record<string, unknown>> & { readonly id: string }

/** A connection whose browser tells this. */
function telling(...entries: Entry[]): Connection {
  const report = new Map(entries.map((entry) => [entry.id, entry]))
  return { maConn: { peerConnection: { getStats: async () => report } } } as unknown as Connection
}

const local = (candidateType: string, port = 1): Entry => ({
  id: `l${port}`,
  type: 'local-candidate',
  candidateType,
  address: '192.0.2.1',
  port,
})
const remote = (candidateType: string, port = 2, id = `r${port}`): Entry => ({
  id,
  type: 'remote-candidate',
  candidateType,
  address: '198.51.100.1',
  port,
})
const pair = (l = 'l1', r = 'r2', more = {}): Entry => ({
  id: `${l}${r}`,
  type: 'candidate-pair',
  localCandidateId: l,
  remoteCandidateId: r,
  ...more,
})
const transport = (selectedCandidatePairId: string): Entry => ({
  id: 't',
  type: 'transport',
  selectedCandidatePairId,
})

describe('whether bytes go through a TURN server', () => {
  it.each([
    ['two hosts', [local('host'), remote('host'), pair(), transport('l1r2')], false],
    ['our relay', [local('relay'), remote('srflx'), pair(), transport('l1r2')], true],
    ['their relay', [local('prflx'), remote('relay'), pair(), transport('l1r2')], true],
    [
      'their relay, seen before it was told of',
      [local('host'), remote('prflx', 2, 'x'), remote('relay', 2), pair('l1', 'x'), transport('l1x')],
      true,
    ],
    [
      'a relay that was gathered and not chosen',
      [local('host'), local('relay', 3), remote('host'), pair(), pair('l3', 'r2'), transport('l1r2')],
      false,
    ],
    [
      'a relay, as Firefox says it',
      [local('host'), local('relay', 3), remote('host'), pair(), pair('l3', 'r2', { selected: true })],
      true,
    ],
    ['a relay, as Node says it', [local('relay'), remote('host'), pair()], true],
    ['nothing yet', [local('relay'), remote('host')], false],
  ])('is told of %s', async (_, entries, isTurn) => {
    const connection = telling(...entries)
    expect(await measureTurn(connection)).toBe(isTurn)
    expect(isTurned(connection)).toBe(isTurn)
  })

  it('is not claimed of a socket, nor of a connection that is closing', async () => {
    const closing = { maConn: { peerConnection: { getStats: () => Promise.reject(new Error('closed')) } } }
    for (const connection of [{}, { maConn: {} }, closing])
      expect(await measureTurn(connection as unknown as Connection)).toBe(false)
  })
})
