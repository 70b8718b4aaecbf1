import './styles/app.css'
import { mount } from 'svelte'
import App from './App.svelte'
import { AppState } from './state/shell/app-state.svelte.ts'
import { lazyServices } from './state/shell/lazy-services.ts'

// `browser-floor.js` has said so by now, and what comes next would only break somewhere in the middle.
if (document.documentElement.dataset['browser'] !== 'too-old') {
  const app = new AppState(lazyServices(window), window)
  mount(App, { target: document.body, props: { app } })
  app.start()
}
