/** What charts of savings against cost have in common: the axis of cost along the bottom, that of savings at the left. */
import { formatCount } from "../engine/experiment/format.ts";
import type { Palette } from "./palette.ts";

export function savingsAxes(palette: Palette, font: string) {
  const ticks = { color: palette.ink2, font: { family: font, size: 11 } };
  const title = (text: string) => ({ display: true, align: "end" as const, text, ...ticks });
  return {
    cost: {
      axis: (text: string) => ({ grid: { display: false }, border: { color: palette.hairline }, title: title(text) }),
      ticks: { ...ticks, maxRotation: 0 },
    },
    /** In percent. */
    saved: (text: string, maxTicksLimit: number) => ({
      suggestedMax: 1,
      grid: { color: palette.hairline, drawTicks: false },
      border: { display: false },
      ticks: {
        ...ticks,
        padding: 8,
        maxTicksLimit,
        callback: (value: number | string) => `${formatCount(Number(value))} %`,
      },
      title: title(text),
    }),
  };
}
