import { it } from 'vitest'
import { expectListedAgain } from '../fixtures/dead-sockets.ts'

it('a lending tab whose sockets died unheard says that it checks, and is listed again, where only the relay’s silence tells', () =>
  expectListedAgain())
