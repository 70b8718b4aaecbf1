/** Vite: the address of a file built as a worker. */
declare module '*?worker&url' {
  const url: string
  // eslint-disable-next-line no-restricted-syntax -- Vite's shape
  export default url
}
