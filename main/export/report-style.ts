/** The style sheet of the HTML report: one column, tabular figures, A4 on paper. */
import { mix, type Palette } from "../../chart/palette.ts";

export function reportStyle(palette: Palette): string {
  const { surface, ink, ink2, hairline, better, worse } = palette;
  return `
:root { color-scheme: ${palette.theme}; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 32px 24px; max-width: 1088px; background: ${surface}; color: ${ink};
  font: 14px/1.5 "Inter Variable", Inter, system-ui, "DejaVu Sans", sans-serif; font-variant-numeric: tabular-nums; }
h1 { margin: 0 0 8px; font-size: 24px; line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin: 32px 0 8px; font-size: 16px; }
.kind, .tags, footer, figcaption { margin: 0 0 4px; color: ${ink2}; font-size: 12px; }
.result { margin: 0 0 8px; font-size: 18px; }
.result .strong { font-weight: 600; }
.result .policy, th.policy { font-weight: 600; }
.notes { white-space: pre-wrap; overflow-wrap: anywhere; }
figure { margin: 16px 0; }
svg { display: block; width: 100%; height: auto; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: 4px 16px 4px 0; border-bottom: 1px solid ${hairline}; text-align: right; vertical-align: top; }
th { font-weight: 400; color: ${ink2}; }
th:first-child, td:first-child, .words { text-align: left; }
td.words { color: ${ink2}; overflow-wrap: anywhere; }
.difference { display: block; color: ${ink2}; font-size: 12px; }
.difference.better { color: ${better}; }
.difference.worse { color: ${worse}; }
pre { padding: 12px; border: 1px solid ${hairline}; background: ${mix(surface, ink, 0.04)}; white-space: pre-wrap;
  overflow-wrap: anywhere; font: 12px/1.5 ui-monospace, "DejaVu Sans Mono", monospace; }
footer { margin-top: 32px; padding-top: 8px; border-top: 1px solid ${hairline}; overflow-wrap: anywhere; }
@page { size: A4; margin: 14mm; }
@media print {
  body { padding: 0; max-width: none; font-size: 10pt; }
  section, figure, tr { break-inside: avoid; }
  h2 { break-after: avoid; }
}
`;
}
