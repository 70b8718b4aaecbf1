import { describe, expect, it } from 'vitest'
import { protocolId, standingOf, tagOf, VERSIONS } from './versions.ts'

describe('versions', () => {
  it('stand in the protocol ids, in tags and nowhere twice', () => {
    expect(protocolId('stream')).toBe(`/infernet/stream/${VERSIONS.protocol.stream}`)
    expect(tagOf('signed', 'offer')).toBe(`infernet/offer/${VERSIONS.signed.offer}`)
    const tags = (['signed', 'hashed', 'file', 'topic'] as const).flatMap((kind) =>
      Object.keys(VERSIONS[kind]).map((name) => tagOf(kind, name as never)),
    )
    expect(new Set(tags).size).toBe(tags.length)
  })

  it.each<[string, readonly string[]]>([
    ['same', ['/infernet/schedule/1', protocolId('schedule'), '/infernet/schedule/99']],
    ['theirs-is-newer', ['/infernet/schedule/98', '/infernet/schedule/99', '/ipfs/ping/1.0.0']],
    ['theirs-is-older', ['/infernet/schedule/1']],
    ['none', []],
    ['none', ['/infernet/stream/99', '/infernet/schedule/x', '/infernet/schedule/', '/infernet/schedule/-1']],
  ])('%s: told from what a peer speaks', (standing, protocols) => {
    expect(standingOf('schedule', protocols)).toBe(standing)
  })
})
