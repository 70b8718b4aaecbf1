/**
 * Folders of `shared` whose code keeps no state of its own and takes all that is outside as components. Their tests share
 * a process, file after file (`vite.config.ts`); `shared/pure-tests.test.ts` holds that nothing is left behind.
 */
export const PURE_FOLDERS = [
  'base',
  'chain',
  'client',
  'errors',
  'peer',
  'prompt',
  'schedule',
  'settle',
  'stream',
  'testing',
  'wire',
] as const
