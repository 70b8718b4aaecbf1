// Runs before the first paint, so that a chosen theme does not flash. The rest is web/state/theme.svelte.ts.
var saved = null
try {
  saved = localStorage.getItem('infernet.theme')
} catch {
  // Storage is off: the system decides.
}
document.documentElement.dataset.theme =
  saved === 'light' || saved === 'dark'
    ? saved
    : matchMedia('(prefers-color-scheme: dark)').matches
      ? 'dark'
      : 'light'
