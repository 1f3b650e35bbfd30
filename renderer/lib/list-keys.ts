/** The keys of lists: where the keyboard goes from a row. */

/** The row that a key leads to from row `at` of `count`, within the list; undefined: it is no key of lists (Alt Home is the window's). `page`: rows that are seen. */
export function rowAfter(
  { key, altKey }: { readonly key: string; readonly altKey: boolean },
  at: number,
  count: number,
  page: number,
): number | undefined {
  if (altKey) return undefined;
  const steps: Readonly<Record<string, number>> = {
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    PageDown: at + page,
    PageUp: at - page,
    Home: 0,
    End: count - 1,
  };
  const target = steps[key];
  return target === undefined ? undefined : Math.max(0, Math.min(count - 1, target));
}

/** How far a page goes in a list of rows of one height: what is seen but `kept` rows, and one row at least. */
export const pageRows = (list: HTMLElement | undefined, rowPx: number, kept = 1): number =>
  Math.max(1, Math.floor((list?.clientHeight ?? rowPx) / rowPx) - kept);
