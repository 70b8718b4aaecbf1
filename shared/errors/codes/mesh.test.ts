import { expect, it } from 'vitest'
import { sentencesOf } from '../../testing/sentences.ts'
import { MESH_CODES } from './mesh.ts'

it('the failures of mesh read well', () => {
  expect(sentencesOf(MESH_CODES)).toMatchInlineSnapshot(`
    "
    mesh.outdated
      The network speaks a newer version.
      fix: Update to the newest version.
    mesh.no-direct-path
      No direct connection to the provider came up.
      fix: Go over a relay, or ask another provider.
    mesh.no-hidden-path
      No provider can be asked now without seeing your address.
      fix: Wait for another provider, or show your address.
    mesh.relay-budget
      The relay carries no more of this answer.
      fix: Connect again, or ask another provider.
    mesh.unreachable
      The provider could not be reached.
      fix: Ask another provider.
    mesh.reservation-refused
      The relay gave no place to be found at.
      fix: Use another relay.
    mesh.insecure-page
      A page over plain http from another machine may use neither GPU nor keys.
      fix: Open it over https, or at localhost on the machine that runs the relay.
    "
  `)
})
