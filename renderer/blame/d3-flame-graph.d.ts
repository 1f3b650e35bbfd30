/** What of d3-flame-graph 5 is used here; the package brings no types. */
declare module "d3-flame-graph" {
  import type { Selection } from "d3-selection";

  /** A frame as it is laid out: d3-hierarchy's node. */
  export interface FlameNode<T> {
    readonly data: T;
    readonly depth: number;
    readonly children?: FlameNode<T>[];
  }

  export interface FlameGraph<T> {
    (selection: Selection<HTMLElement, T, null, undefined>): void;
    width(pixels: number): FlameGraph<T>;
    height(pixels: number): FlameGraph<T>;
    cellHeight(pixels: number): FlameGraph<T>;
    minFrameSize(pixels: number): FlameGraph<T>;
    transitionDuration(ms: number): FlameGraph<T>;
    inverted(inverted: boolean): FlameGraph<T>;
    setLabelHandler(words: (node: FlameNode<T>) => string): FlameGraph<T>;
    setColorMapper(color: (node: FlameNode<T>) => string): FlameGraph<T>;
    setDetailsElement(element: HTMLElement | null): FlameGraph<T>;
    zoomTo(node: FlameNode<T>): void;
    destroy(): FlameGraph<T>;
  }

  export default function flamegraph<T>(): FlameGraph<T>;
}
