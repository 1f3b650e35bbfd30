/** Charts as PNG (twice the pixels) and SVG (letters as outlines, so that it looks alike everywhere), without a window. */

import { type Canvas, createCanvas, type SvgCanvas, SvgExportFlag } from "@napi-rs/canvas";
import { Chart, type ChartConfiguration, type Plugin, type Point, registerables } from "chart.js";
import { someLines } from "../../engine/experiment/text-limits.ts";

Chart.register(...registerables);

export type LineChart = ChartConfiguration<"line", Point[]>;

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

const PICTURE_SIZE: PictureSize = { width: 1200, height: 675 };
const PNG_SCALE = 2;

function ground(color: string): Plugin<"line"> {
  return {
    id: "ground",
    beforeDraw({ ctx, width, height }) {
      ctx.save();
      ctx.fillStyle = color;
      ctx.fillRect(0, 0, width, height);
      ctx.restore();
    },
  };
}

function draw(canvas: Canvas | SvgCanvas, config: LineChart, scale: number, surface: string): Chart<"line", Point[]> {
  // Chart.js takes any canvas with a 2D context; its types know the browser's only.
  return new Chart(canvas as unknown as HTMLCanvasElement, {
    ...config,
    options: { ...config.options, responsive: false, animation: false, devicePixelRatio: scale },
    plugins: [ground(surface), ...(config.plugins ?? [])],
  });
}

/** `surface`: the colour behind the chart. */
export function chartPng(config: LineChart, surface: string, size: PictureSize = PICTURE_SIZE): Uint8Array {
  const canvas = createCanvas(size.width, size.height);
  const chart = draw(canvas, config, PNG_SCALE, surface);
  const png = canvas.toBuffer("image/png");
  chart.destroy();
  return png;
}

/** `words`: title and description for those who do not see the picture. `idPrefix`: tells two in one document apart. */
export function chartSvg(
  config: LineChart,
  surface: string,
  words: { readonly title: string; readonly description: string },
  size: PictureSize = PICTURE_SIZE,
  idPrefix = "",
): string {
  const canvas = createCanvas(size.width, size.height, SvgExportFlag.ConvertTextToPaths);
  const chart = draw(canvas, config, 1, surface);
  const svg = canvas.getContent().toString("utf8");
  chart.destroy();
  const id = `${idPrefix}chart`;
  return renumbered(unclipped(svg), idPrefix).replace(
    /<svg ([^>]*)>/,
    `<svg $1 stroke="none" viewBox="0 0 ${size.width} ${size.height}" role="img" aria-labelledby="${id}-title ${id}-words">` +
      `<title id="${id}-title">${escapeXml(words.title)}</title><desc id="${id}-words">${escapeXml(words.description)}</desc>`,
  );
}

/**
 * Without its clip paths: all of a run is drawn, and that lies within the plane. ImageMagick's own reader of SVG leaves
 * out what is clipped, and gives shapes a black stroke where none is said.
 */
const unclipped = (svg: string): string =>
  svg.replace(/\s*<clipPath\b[\s\S]*?<\/clipPath>/g, "").replace(/ clip-path="url\([^)]*\)"/g, "");

/** The canvas numbers its ids over the life of the process; the same chart must be the same bytes. */
function renumbered(svg: string, prefix: string): string {
  const numbers = new Map<string, number>();
  const name = (id: string): string => {
    const number = numbers.get(id) ?? numbers.size + 1;
    numbers.set(id, number);
    return `${prefix}part${number}`;
  };
  return svg
    .replace(/\bid="([^"]+)"/g, (_, id: string) => `id="${name(id)}"`)
    .replace(/\burl\(#([^)]+)\)/g, (_, id: string) => `url(#${name(id)})`)
    .replace(/\bhref="#([^"]+)"/g, (_, id: string) => `href="#${name(id)}"`);
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text as it stands in XML and HTML; what XML cannot hold (control characters, half characters) is left out. */
export function escapeXml(text: string): string {
  return someLines(text)
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "")
    .replace(/[&<>"']/g, (character) => ENTITIES[character]);
}
