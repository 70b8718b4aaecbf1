interface Square {
  readonly x: number
  readonly y: number
}

/**
 * Many squares as the one `d` of an SVG path: a page with a long conversation has thousands, and an element for each
 * would be most of it.
 *
 * @param size side of each
 * @param radius of its corners
 */
export function squaresPath(squares: readonly Square[], size: number, radius = 0): string {
  const side = size - 2 * radius
  const corner = (dx: number, dy: number): string =>
    radius > 0 ? `a${radius} ${radius} 0 0 1 ${dx * radius} ${dy * radius}` : ''
  return squares
    .map(
      ({ x, y }) =>
        `M${x + radius} ${y}h${side}${corner(1, 1)}v${side}${corner(-1, 1)}h${-side}${corner(-1, -1)}v${-side}z`,
    )
    .join('')
}
