/** Long lists of which only the rows that are seen are drawn. */
import { createVirtualizer } from "@tanstack/svelte-virtual";
import { untrack } from "svelte";
import { get } from "svelte/store";

interface Rows {
  readonly count: number;
  /** Height of a row in pixels, where not all are `rowPx` high. */
  readonly heightPx?: (index: number) => number;
  /** What a row is known by when others come before it; its place where it is not given. */
  readonly key?: (index: number) => number | string;
}

/**
 * The rows in `scroller`, each `rowPx` high. `rows` is asked again, and all is measured anew, when anything changes that it reads.
 * To be called where a component is set up; what comes back is TanStack's virtualizer as a store.
 */
export function virtualRows(scroller: () => HTMLDivElement | undefined, rowPx: number, rows: () => Rows) {
  const getScrollElement = () => scroller() ?? null;
  const virtualizer = createVirtualizer<HTMLDivElement, HTMLDivElement>({
    count: 0,
    getScrollElement,
    estimateSize: () => rowPx,
    overscan: 8,
  });
  $effect(() => {
    const { count, heightPx = () => rowPx, key } = rows();
    untrack(() => {
      const now = get(virtualizer);
      now.setOptions({
        count,
        getScrollElement,
        estimateSize: heightPx,
        ...(key === undefined ? {} : { getItemKey: key }),
      });
      now.measure();
    });
  });
  return virtualizer;
}
