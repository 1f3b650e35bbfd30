/** The typeface of the window, for what is drawn on a canvas. */
let family: string | undefined;

export function fontFamily(): string {
  family ??= getComputedStyle(document.body).fontFamily;
  return family;
}
