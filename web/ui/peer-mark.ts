/** A peer's mark: 4 by 4 squares, mirrored, from its name. Recognisable, not an avatar, and never a proof. */
export function peerMark(name: string): readonly { readonly x: number; readonly y: number }[] {
  let hash = 2166136261
  for (const letter of name) hash = Math.imul(hash ^ letter.charCodeAt(0), 16777619) >>> 0
  const squares: { x: number; y: number }[] = []
  for (let y = 0; y < 4; y++)
    for (let x = 0; x < 2; x++)
      if ((hash >> (y * 2 + x + 5)) & 1 || (y === (hash & 3) && x === 1))
        squares.push({ x, y }, { x: 3 - x, y })
  return squares
}
