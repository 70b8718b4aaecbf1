/** Runs a publisher's tool: what goes wrong is said in a line, without our own stack, and the tool ends with 1. */
export async function runTool(run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    process.exitCode = 1
  }
}
