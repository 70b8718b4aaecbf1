/**
 * Folders of `shared` whose code keeps no state of its own, or none that a test could tell, and takes all that is outside
 * as components. Their tests share a process, file after file (`vite.config.ts`), as those of the page's states and
 * components do; `shared/pure-tests.test.ts` holds that nothing is left behind.
 */
export const PURE_FOLDERS = [
  'base',
  'chain',
  'client',
  'engine',
  'errors',
  'model-kit',
  'models',
  'peer',
  'prompt',
  'schedule',
  'settle',
  'stream',
  'testing',
  'wire',
] as const
