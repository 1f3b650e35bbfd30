/** Of items with the same key the last one, in the place of the first: what was added later stands in for it. */
export function lastOfEach<T, K>(items: readonly T[], key: (item: T) => K): T[] {
  return [...new Map(items.map((item) => [key(item), item])).values()];
}
