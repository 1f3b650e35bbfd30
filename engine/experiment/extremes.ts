/** The least and the most of some values, however many: Math.min(...values) takes no more than some 120,000. */

/** Infinity where there are none. */
export const leastOf = (values: readonly number[]): number =>
  values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);

/** -Infinity where there are none. */
export const mostOf = (values: readonly number[]): number =>
  values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);

/** From the least to the most; -Infinity where there are none. */
export const spanOf = (values: readonly number[]): number => mostOf(values) - leastOf(values);

/** "1.2 MiB to 1.4 MiB", or one of them where they read alike; empty where there are none. */
export function fromTo(values: readonly number[], show: (value: number) => string): string {
  if (values.length === 0) return "";
  const [least, most] = [show(leastOf(values)), show(mostOf(values))];
  return least === most ? least : `${least} to ${most}`;
}
