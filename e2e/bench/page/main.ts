import { createBenchPage, type BenchPage } from './bench-page.ts'
import { createWeightsTab, type WeightsTab } from './weights-tab.ts'

declare global {
  interface Window {
    /** What the bench drives. It exists in this page alone; the shipped page has no such door. */
    bench: BenchPage
    weights: WeightsTab
  }
}

window.bench = createBenchPage()
window.weights = createWeightsTab()
