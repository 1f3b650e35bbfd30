/** Colours of charts, at a contrast of 4.5:1 or more on both grounds; those of the policies: policy-style.ts. */

export type Theme = "light" | "dark";

export interface Palette {
  readonly theme: Theme;
  readonly surface: string;
  readonly ink: string;
  /** Axis titles, ticks, second lines. */
  readonly ink2: string;
  readonly hairline: string;
  /** Of a difference that is good, or bad. */
  readonly better: string;
  readonly worse: string;
}

export const PALETTES: Readonly<Record<Theme, Palette>> = {
  light: {
    theme: "light",
    surface: "#ffffff",
    ink: "#1b1f23",
    ink2: "#565d64",
    hairline: "#e3e4e0",
    better: "#1a7a3a",
    worse: "#b3261e",
  },
  dark: {
    theme: "dark",
    surface: "#1b1f23",
    ink: "#eceeec",
    ink2: "#a9b0b6",
    hairline: "#2b3137",
    better: "#63d188",
    worse: "#ff8a80",
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
