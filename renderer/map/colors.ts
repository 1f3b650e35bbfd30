import { MAP_STATES } from "../lib/map-cells.ts";
import type { MapColors } from "./draw.ts";

/** A colour token as the canvas can use it: light-dark() and mixes are resolved by the browser. */
function resolve(element: HTMLElement, token: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${token})`;
  element.after(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

export function mapColors(element: HTMLElement): MapColors {
  return MAP_STATES.map(({ id }) => resolve(element, `--map-${id}`));
}

/** Of the entries of a table: none, page, zero page, swap, other. */
export function entryColors(element: HTMLElement): MapColors {
  return ["--map-none", "--map-full", "--map-partly", "--map-huge", "--map-empty"].map((token) =>
    resolve(element, token),
  );
}
