import fc from 'fast-check'
import type { EIP6963ProviderDetail } from 'mipd'
import { expect, it, vi } from 'vitest'
import { findInjectedWallets, injectedFrom } from './injected-wallets.ts'

const provider = { request: async () => null }
const announced = (info: Record<string, unknown>): EIP6963ProviderDetail =>
  ({
    info: { uuid: 'u', rdns: 'a.b', name: 'W', icon: 'data:image/png;base64,', ...info },
    provider,
  }) as never

it('shows each wallet once, by its own name and icon', () => {
  const list = injectedFrom([announced({}), announced({}), announced({ rdns: 'c.d', name: 'X' })])
  expect(list.map(({ rdns, name, icon }) => [rdns, name, icon])).toEqual([
    ['a.b', 'W', 'data:image/png;base64,'],
    ['c.d', 'X', 'data:image/png;base64,'],
  ])
})

it('lists both of two wallets that go by one name', () => {
  const second = { ...announced({ uuid: 'v' }), provider: { request: async () => 7 } } as never
  expect(injectedFrom([announced({}), second]).map(({ rdns }) => rdns)).toEqual(['a.b', 'a.b'])
})

it('lists a wallet once that announces itself under a new id each time', () => {
  expect(injectedFrom([announced({}), announced({ uuid: 'v' })])).toHaveLength(1)
})

it('finds a wallet that announces nothing and stands at window.ethereum alone', () => {
  const page = globalThis as { ethereum?: unknown }
  const target = new EventTarget()
  vi.stubGlobal('window', target)
  vi.stubGlobal('addEventListener', target.addEventListener.bind(target))
  page.ethereum = provider
  try {
    const found = findInjectedWallets()
    expect(found.list.map((each) => [each.name, each.provider])).toEqual([
      ['Wallet of this browser', provider],
    ])
    let told = 0
    found.onChange(() => told++)
    target.dispatchEvent(new Event('ethereum#initialized'))
    expect(told).toBe(1)
    target.dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail: announced({}) }))
    expect(
      found.list.map(({ name }) => name),
      'one that says its name is shown by it',
    ).toEqual(['W'])
    found.stop()
  } finally {
    delete page.ethereum
    vi.unstubAllGlobals()
  }
})

it('draws an icon only from the data that came with it', () => {
  for (const icon of [
    'https://spy.example/i.png',
    'javascript:alert(1)',
    'data:text/html,<script>',
    `data:image/png;base64,${'A'.repeat(70_000)}`,
    7,
  ])
    expect(injectedFrom([announced({ icon })])[0]?.icon).toBeUndefined()
})

it('makes a name one plain, bounded line, whatever was announced', () => {
  fc.assert(
    fc.property(fc.anything(), fc.anything(), fc.anything(), (rdns, name, icon) => {
      for (const wallet of injectedFrom([announced({ rdns, name, icon }), null as never].slice(0, 1))) {
        expect(wallet.name).toMatch(/^[^\p{C}\p{Zl}\p{Zp}]{1,100}$/u)
        expect(wallet.icon ?? 'data:image/').toMatch(/^data:image\//)
      }
    }),
  )
  expect(injectedFrom([announced({ name: 'Meta\u202eksaM\n x'.repeat(9) })])[0]?.name).toHaveLength(32)
})

it('lists a bounded number, and none that cannot be asked', () => {
  const many = Array.from({ length: 50 }, (_, i) => announced({ rdns: `w.${i}` }))
  expect(injectedFrom(many)).toHaveLength(12)
  expect(injectedFrom([{ info: { rdns: 'x.y' }, provider: {} } as never])).toEqual([])
})
