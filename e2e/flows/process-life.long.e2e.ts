import { once } from 'node:events'
import { expect, it } from 'vitest'
import { expectNothingLeft, hasProc, npmStarts } from '../fixtures/npm-starts.ts'
import { readStart } from '../fixtures/relay-process.ts'
import { takeTurn } from '../fixtures/start-process.ts'

it.runIf(hasProc)('nothing of npm start is left when npm is asked to end', () =>
  expectNothingLeft('SIGTERM', 'npm'),
)

it.runIf(hasProc)('nothing of npm start is left when the launcher is killed', () =>
  expectNothingLeft('SIGKILL', 'launcher'),
)

it('a second start on the same folder ends at once, and says where the first one is', async () => {
  await using _turn = await takeTurn()
  await using starts = await npmStarts()
  const first = starts.begin()
  const { url } = await readStart(first)
  const second = starts.begin()
  let said = ''
  second.stdout?.resume() // else its end is never told
  second.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()))
  expect((await once(second, 'close'))[0]).toBe(1)
  const words =
    /^Infernet runs already on (\S+) \(process (\d+) at (\S+)\)\. Use that one, or stop it first\. /m.exec(
      said,
    )
  expect(words?.slice(1)).toEqual([starts.folder, expect.stringMatching(/^\d+$/), url])
  process.kill(Number(words?.[2]), 'SIGTERM') // the relay itself
  await once(first, 'close')
})
