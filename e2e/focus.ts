import type { Page } from "@playwright/test";

/**
 * What cuts off the ring of what has the focus, null where nothing does: the edge of the window, or of something that clips
 * what is in it. Where a pane is scrolled is the reader's choice: it cuts nothing in that direction.
 */
export function cutRing(page: Page): Promise<string | null> {
  return page.evaluate(() => {
    let shown = document.activeElement;
    // The list has the focus, the row that the keys are on has the ring.
    const active = shown?.getAttribute("aria-activedescendant");
    if (active) shown = document.getElementById(active);
    if (!shown || shown === document.body) return null;
    const ringed = [shown, ...shown.querySelectorAll("*")].find(
      (each) => getComputedStyle(each).outlineStyle !== "none",
    );
    if (!ringed) return null;
    const { outlineOffset, outlineWidth } = getComputedStyle(ringed);
    const out = Number.parseFloat(outlineOffset) + Number.parseFloat(outlineWidth);
    const box = ringed.getBoundingClientRect();
    const ring = { left: box.left - out, right: box.right + out, top: box.top - out, bottom: box.bottom + out };
    const words = `${ringed.tagName} "${(ringed.getAttribute("aria-label") ?? ringed.textContent ?? "").trim().slice(0, 40)}"`;
    const cutBy = (frame: typeof ring, x: boolean, y: boolean): boolean =>
      (x && (ring.left < frame.left - 0.5 || ring.right > frame.right + 0.5)) ||
      (y && (ring.top < frame.top - 0.5 || ring.bottom > frame.bottom + 0.5));
    const window = { left: 0, top: 0, right: innerWidth, bottom: innerHeight };
    if (cutBy(window, true, true)) return `${words} is cut off by the window`;
    for (let above = ringed.parentElement; above; above = above.parentElement) {
      const { overflowX, overflowY, position } = getComputedStyle(above);
      const edges = above.getBoundingClientRect();
      const frame = {
        left: edges.left + above.clientLeft,
        right: edges.left + above.clientLeft + above.clientWidth,
        top: edges.top + above.clientTop,
        bottom: edges.top + above.clientTop + above.clientHeight,
      };
      const x = overflowX !== "visible" && above.scrollWidth <= above.clientWidth;
      const y = overflowY !== "visible" && above.scrollHeight <= above.clientHeight;
      if (cutBy(frame, x, y)) return `${words} is cut off by ${above.tagName} "${above.className}"`;
      if (position === "fixed") break;
    }
    return null;
  });
}
