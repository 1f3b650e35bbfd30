/** Cells of a map: squares whose bands are the shares of what they stand for. */

export interface Band {
  /** Which of the states. */
  readonly state: number;
  /** Pixels above the square's bottom, and of the band itself. */
  readonly from: number;
  readonly height: number;
}

/** The bands of one cell of `states` counts, from the bottom up. `side`: of its square, in pixels. Empty: it stands for nothing. */
export function cellBands(counts: Uint32Array, cell: number, states: number, side: number): Band[] {
  const own = counts.subarray(cell * states, (cell + 1) * states);
  const total = own.reduce((sum, count) => sum + count, 0);
  let from = 0;
  return Array.from(own).flatMap((count, state): Band[] => {
    if (count === 0) return [];
    // Whatever is there is seen: no band is thinner than a pixel.
    const height = count === total ? side : Math.max(1, (count / total) * side);
    const band = { state, from, height };
    from += height;
    return [band];
  });
}
