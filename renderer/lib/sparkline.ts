/** A small line as an SVG path. All lines of one picture share `max`, so that they can be compared. */
export function sparklinePath(values: readonly number[], width: number, height: number, max: number): string {
  if (values.length === 0) return "";
  const x = (at: number): number => (values.length === 1 ? width : (at / (values.length - 1)) * width);
  const y = (value: number): number => height - (max <= 0 ? 0 : (value / max) * height);
  const points = values.map((value, at) => `${round(x(at))} ${round(y(value))}`);
  return values.length === 1 ? `M0 ${round(y(values[0] ?? 0))}L${points[0]}` : `M${points.join("L")}`;
}

const round = (value: number): number => Math.round(value * 10) / 10;
