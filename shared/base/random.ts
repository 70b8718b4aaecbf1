/** Where unpredictable bytes come from: `crypto.getRandomValues` in production, a counter in tests. */
export interface Random {
  bytes(length: number): Uint8Array<ArrayBuffer>
}
