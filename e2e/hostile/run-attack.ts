/** `run-attack.ts <name> <addresses as JSON>`: the attacker's process. Tells its cost in JSON lines; see Attacker. */
import { setPriority } from 'node:os'
import { loadAttack, type AttackWords, type GroundAddresses } from './attack.ts'

/** The lowest: what is measured is what the attack does to the honest side, not how two processors are shared. */
setPriority(19)
const [name = '', addresses = ''] = process.argv.slice(2)
const startedAt = performance.now()
const end = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => end.abort())
let told: AttackWords = {}
const tell = (words: AttackWords): void => {
  told = { ...told, ...words, seconds: Math.round((performance.now() - startedAt) / 1000) }
  process.stdout.write(`${JSON.stringify(told)}\n`)
}
const { attack } = await loadAttack(name)
await attack(JSON.parse(addresses) as GroundAddresses, { signal: end.signal, tell }).catch(
  (thrown: unknown) => {
    if (!end.signal.aborted) throw thrown
  },
)
tell({})
// What it still holds open goes with it.
process.stdout.write('', () => process.exit(end.signal.aborted ? 0 : 3))
