/**
 * `node e2e/run/test-contracts.ts`: what holds for the contracts, by forge. A part of `npm test`, in a process of its own
 * because forge is waited for: it runs beside the gates of the TypeScript side. The last line is the counts and
 * what failed as JSON.
 */
import { checkCoverage } from '../../contracts/script/coverage.ts'
import { checkForgeFormat, mayForgeBeMissing, runForgeTests } from '../fixtures/forge-tests.ts'
import { createTally } from './tally.ts'

const tally = createTally((line) => console.log(line))

if (mayForgeBeMissing)
  console.log('skip contract tests: npm has no forge for this platform, and none is installed')
else if (await tally.gate('format of the contracts', checkForgeFormat)) {
  await tally.gate('contract tests could be run', () => {
    const { passed, failures } = runForgeTests()
    tally.add('contract tests', { passed, failed: failures.length, failures })
  })
  await tally.gate('coverage of the contracts', checkCoverage)
}
console.log(JSON.stringify({ ...tally.counts, failures: tally.failures }))
