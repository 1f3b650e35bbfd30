/** What all charts have in common: drawn at once, from points that are ready; reading them is the window's own work. */
import type { Plugin } from "chart.js";
import type { Palette } from "./palette.ts";

const noEvents: [] = [];
export const PLAIN_OPTIONS = {
  animation: false,
  parsing: false,
  normalized: true,
  maintainAspectRatio: false,
  events: noEvents,
} as const;

export const PLAIN_PLUGINS = {
  legend: { display: false },
  tooltip: { enabled: false },
  decimation: { enabled: false },
} as const;

/** Above a chart that stands alone. */
export interface Titles {
  readonly title?: string;
  readonly subtitle?: string | readonly string[];
}

/** Pixels that the line about where a chart came from takes below it. */
export const ORIGIN_HEIGHT = 24;

/** One line at the foot of a chart that stands alone: where it came from. */
export function originLine(text: string, margin: number, palette: Palette, font: string): Plugin<"line"> {
  return {
    id: "origin",
    afterDraw({ ctx, width, height }) {
      ctx.save();
      ctx.font = `400 11px ${font}`;
      ctx.fillStyle = palette.ink2;
      ctx.textAlign = "left";
      ctx.textBaseline = "bottom";
      ctx.fillText(text, margin, height - margin + 8, width - 2 * margin);
      ctx.restore();
    },
  };
}

/** Chart.js options of the plugins `title` and `subtitle`. */
export function titles({ title, subtitle }: Titles, palette: Palette, font: string, room = 0) {
  const line = (
    content: string | readonly string[] | undefined,
    size: number,
    weight: number,
    color: string,
    bottom: number,
  ) => ({
    display: content !== undefined,
    text: typeof content === "string" ? content : [...(content ?? [])],
    align: "start" as const,
    color,
    font: { family: font, size, weight },
    padding: { top: 0, bottom },
  });
  return { title: line(title, 16, 600, palette.ink, 4), subtitle: line(subtitle, 12, 400, palette.ink2, 12 + room) };
}
