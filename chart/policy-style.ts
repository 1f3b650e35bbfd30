/**
 * How a policy is drawn: its colour, its dash and the shape of its points, by its place in the table of policies. Eight are
 * told apart without colour. Every colour has a contrast of 4.5:1 or more on the ground of its theme.
 */
import { POLICY_IDS, type PolicyId } from "../engine/experiment/policies.ts";
import type { Theme } from "./palette.ts";

interface PolicyStyle {
  readonly colors: Readonly<Record<Theme, string>>;
  /** Chart.js borderDash. */
  readonly dash: readonly number[];
  /** Chart.js pointStyle. */
  readonly point: "circle" | "rect" | "triangle" | "rectRot" | "star" | "crossRot" | "rectRounded" | "cross";
}

export const POLICY_STYLES: readonly PolicyStyle[] = [
  { colors: { light: "#b4500a", dark: "#f0954f" }, dash: [], point: "circle" },
  { colors: { light: "#0f6e66", dark: "#4fc3b5" }, dash: [8, 4], point: "rect" },
  { colors: { light: "#4a58bd", dark: "#9aa6f7" }, dash: [16, 3], point: "triangle" },
  { colors: { light: "#7a2fc9", dark: "#c79bff" }, dash: [2, 3], point: "star" },
  { colors: { light: "#1563b8", dark: "#6db3ff" }, dash: [10, 3, 2, 3], point: "rectRot" },
  { colors: { light: "#ad2268", dark: "#ff8cc2" }, dash: [6, 2, 1, 2, 1, 2], point: "crossRot" },
  { colors: { light: "#5c6600", dark: "#c5d14e" }, dash: [3, 7], point: "rectRounded" },
  { colors: { light: "#565d64", dark: "#b4bcc4" }, dash: [16, 3, 4, 3, 4, 3], point: "cross" },
];

export function policyStyle(id: PolicyId): PolicyStyle {
  return POLICY_STYLES[Math.max(0, POLICY_IDS.indexOf(id)) % POLICY_STYLES.length];
}

export const policyColor = (id: PolicyId, theme: Theme): string => policyStyle(id).colors[theme];
