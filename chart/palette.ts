/** Colours of charts. `sync` is teal and `none` orange, everywhere and in that order, on both grounds at 4.5:1 or more. */
import type { Mode } from "../engine/experiment/types.ts";

export type Theme = "light" | "dark";

export interface Palette {
  readonly surface: string;
  readonly ink: string;
  /** Axis titles, ticks, second lines. */
  readonly ink2: string;
  readonly hairline: string;
  readonly modes: Readonly<Record<Mode, string>>;
}

export const PALETTES: Readonly<Record<Theme, Palette>> = {
  light: {
    surface: "#ffffff",
    ink: "#1b1f23",
    ink2: "#565d64",
    hairline: "#e3e4e0",
    modes: { sync: "#0f6e66", none: "#b4500a" },
  },
  dark: {
    surface: "#1b1f23",
    ink: "#eceeec",
    ink2: "#a9b0b6",
    hairline: "#2b3137",
    modes: { sync: "#4fc3b5", none: "#f0954f" },
  },
};

function channels(hex: string): [number, number, number] {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as [number, number, number];
}

/** `share` of the way from one #rrggbb to another. */
export function mix(from: string, to: string, share: number): string {
  const b = channels(to);
  const mixed = channels(from).map((value, i) => Math.round(value + (b[i] - value) * share));
  return `#${mixed.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** Contrast of two #rrggbb (WCAG 2: 1 to 21). */
export function contrast(a: string, b: string): number {
  const luminance = (hex: string): number => {
    const [r, g, bl] = channels(hex).map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * bl;
  };
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}
