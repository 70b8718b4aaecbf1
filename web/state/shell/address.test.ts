import { expect, it } from 'vitest'
import { ourPage, pageOf } from './address.ts'

const here = {
  href: 'https://inf.example/provide?lend=1',
  origin: 'https://inf.example',
  pathname: '/provide',
} as Location

it('knows four pages and shows the first for any other path', () => {
  expect(['/', '/provide', '/provide/', '/network', '/wallet', '/elsewhere'].map(pageOf)).toEqual([
    '/',
    '/provide',
    '/provide',
    '/network',
    '/wallet',
    '/',
  ])
})

it('leaves other sites, files and jumps within the page to the browser', () => {
  expect(ourPage('/network', here)?.pathname).toBe('/network')
  expect(ourPage('https://other.example/network', here)).toBeUndefined()
  expect(ourPage('/manifest.webmanifest', here)).toBeUndefined()
  expect(ourPage('#main', here)).toBeUndefined()
})
