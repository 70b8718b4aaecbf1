import { createBenchPage, type BenchPage } from './bench-page.ts'

declare global {
  interface Window {
    /** What the bench drives. It exists in this page alone; the shipped page has no such door. */
    bench: BenchPage
  }
}

window.bench = createBenchPage()
