import { createColdTab, type ColdTab } from './cold-tab.ts'

declare global {
  interface Window {
    /** What the bench drives. It exists in this page alone. */
    coldTab: ColdTab
  }
}

window.coldTab = createColdTab()
