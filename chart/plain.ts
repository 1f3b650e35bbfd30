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

const TITLE = { size: 16, bottom: 4 };
const SUBTITLE = { size: 12, bottom: 12 };
/** As Chart.js sets a line of text. */
const LINE_HEIGHT = 1.2;

/** Pixels that `titles` takes above a chart. */
export function titlesHeight({ title, subtitle = [] }: Titles): number {
  const lines = typeof subtitle === "string" ? 1 : subtitle.length;
  const of = ({ size, bottom }: typeof TITLE, count: number) => (count > 0 ? count * size * LINE_HEIGHT + bottom : 0);
  return of(TITLE, title === undefined ? 0 : 1) + of(SUBTITLE, lines);
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
    font: { family: font, size, weight, lineHeight: LINE_HEIGHT },
    padding: { top: 0, bottom },
  });
  return {
    title: line(title, TITLE.size, 600, palette.ink, TITLE.bottom),
    subtitle: line(subtitle, SUBTITLE.size, 400, palette.ink2, SUBTITLE.bottom + room),
  };
}
