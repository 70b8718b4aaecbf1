/**
 * The publisher's lint: `node shared/model-kit/check-model.ts <folder>` says what would make a model's answers
 * uncheckable, wrong or endless, and ends with 1 where something must be changed before others can serve it.
 */
import { lintFolder, openModelFolder, printFindings } from './model-folder.ts'
import { runTool } from './run-tool.ts'

await runTool(async () => {
  const folder = process.argv[2]
  if (!folder) throw new Error('usage: node shared/model-kit/check-model.ts <model folder>')
  for (const model of await openModelFolder(folder)) {
    const findings = await lintFolder(model)
    printFindings(model.dtype, findings)
    if (findings.length === 0) console.log(`${model.dtype} ok`)
    if (findings.some(({ level }) => level === 'refuse')) process.exitCode = 1
  }
})
