import type { Step } from '../ui/steps.ts'

/** Where the hub wants to know whose account asks. */
export const ENTER_TOKEN: Step = { label: 'Enter a token', href: '/models?add=1&token=1' }
