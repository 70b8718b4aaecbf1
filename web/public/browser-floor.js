// Runs before all else, in browsers far older than those that the page needs: plain ES5, on purpose.
// The floor of the page is named here, and in the README (e2e/flows/old-browsers.e2e.ts compares them). It follows from
// the newest function that the built page cannot do without: AbortSignal.any in Firefox, Promise.withResolvers in Chrome.
;(function () {
  var FLOOR = 'Chrome 119, Edge 119, Firefox 124, Safari 17.4'
  var NEEDED = [
    'Promise.withResolvers',
    'AbortSignal.any',
    'AbortSignal.timeout',
    'AbortSignal.prototype.throwIfAborted',
    'Array.prototype.at',
    'Array.prototype.findLast',
    'Array.prototype.findLastIndex',
    'Array.prototype.toReversed',
    'Array.prototype.toSorted',
    'Array.prototype.toSpliced',
    'Element.prototype.checkVisibility',
    'Map.groupBy',
    'Object.groupBy',
    'Object.hasOwn',
    'String.prototype.replaceAll',
    'structuredClone',
    'BigInt',
    'WebAssembly',
    'WebSocket',
    'Worker',
    'crypto.getRandomValues'
  ]

  function isMissing(path) {
    var at = window
    var names = path.split('.')
    for (var i = 0; i < names.length; i++) {
      if (at === undefined || at === null) return true
      at = at[names[i]]
    }
    return at === undefined || at === null
  }

  var missing = NEEDED.filter(isMissing)
  if (missing.length === 0) return
  document.documentElement.setAttribute('data-browser', 'too-old')

  function line(name, text) {
    var element = document.createElement(name)
    element.textContent = text
    return element
  }
  document.addEventListener('DOMContentLoaded', function () {
    var page = document.createElement('main')
    page.className = 'page'
    page.setAttribute('data-testid', 'too-old')
    page.appendChild(line('h1', 'This browser is too old.'))
    page.appendChild(line('p', 'Infernet needs ' + FLOOR + ', or newer. Update this browser, or open the page in another one.'))
    page.appendChild(line('p', 'Nothing was started. This browser does not have: ' + missing.join(', ') + '.'))
    document.body.appendChild(page)
  })
})()
