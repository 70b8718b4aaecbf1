import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../../relay/testing/fixtures.ts'
import { withIntegrity, withLoneImports } from './chunk-integrity.ts'

it('names what a lazy import loads that stands alone, and leaves one with a list as it is', () => {
  expect(withLoneImports('R(()=>import(`./some-x.js`),[],import.meta.url)')).toBe(
    'R(()=>import(`./some-x.js`),[`./some-x.js`],import.meta.url)',
  )
  const taken = 'R(async()=>{let{a:e}=await import("./some-x.js");return{a:e}},[],import.meta.url)'
  expect(withLoneImports(taken)).toContain('},["./some-x.js"],import.meta.url)')
  const listed = 'R(()=>import(`./some-x.js`),__vite__mapDeps([0,1]),import.meta.url)'
  expect(withLoneImports(listed)).toBe(listed)
})

it('puts a digest into every tag of a script or a style sheet, and all others into one place', async () => {
  const folder = await temporaryFolder()
  await writeFile(join(folder.path, 'theme.js'), 'theme()')
  const html = `<title>Some</title>
<script src="./theme.js"></script>
<script type="module" crossorigin src="./assets/index-x.js"></script>
<link rel="stylesheet" crossorigin href="./assets/index-x.css">
<link rel="icon" href="./icon.svg" />`
  const digests = new Map([
    ['assets/index-x.js', 'sha256-a'],
    ['assets/index-x.css', 'sha256-b'],
    ['assets/later-x.js', 'sha256-c'],
    ['assets/later-x.css', 'sha256-d'],
  ])
  const theme = createHash('sha256').update('theme()').digest('base64')
  expect(withIntegrity(html, digests, folder.path)).toBe(`<title>Some</title>
    <meta name="integrity" content="later-x.css sha256-d,later-x.js sha256-c" />
<script src="./theme.js" integrity="sha256-${theme}"></script>
<script type="module" crossorigin src="./assets/index-x.js" integrity="sha256-a"></script>
<link rel="stylesheet" crossorigin href="./assets/index-x.css" integrity="sha256-b">
<link rel="icon" href="./icon.svg" />`)
  await folder.remove()
})
