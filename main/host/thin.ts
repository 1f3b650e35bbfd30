/** Fewer points for a chart, the peaks kept. */

/**
 * The positions of at most `pointsMax` samples out of `values`: first and last, and of each of the equal stretches
 * between them the lowest and the highest. In order, each once. `pointsMax` is at least 4.
 */
export function thinnedPositions(values: Float64Array, pointsMax: number): Uint32Array {
  const count = values.length;
  if (count <= pointsMax) return Uint32Array.from({ length: count }, (_, i) => i);
  const stretches = Math.floor((pointsMax - 2) / 2);
  const kept: number[] = [0];
  const keep = (at: number) => {
    if (at !== kept[kept.length - 1]) kept.push(at);
  };
  for (let stretch = 0; stretch < stretches; stretch++) {
    const start = 1 + Math.floor((stretch * (count - 2)) / stretches);
    const end = 1 + Math.floor(((stretch + 1) * (count - 2)) / stretches);
    let low = start;
    let high = start;
    for (let i = start; i < end; i++) {
      if (values[i] < values[low]) low = i;
      if (values[i] > values[high]) high = i;
    }
    keep(Math.min(low, high));
    keep(Math.max(low, high));
  }
  keep(count - 1);
  return Uint32Array.from(kept);
}

/** The values at the given positions. */
export function pick(values: Float64Array, positions: Uint32Array): Float64Array {
  const picked = new Float64Array(positions.length);
  for (let i = 0; i < positions.length; i++) picked[i] = values[positions[i]];
  return picked;
}
