/** Rows as text in columns; numbers to the right. */
export type Cell = string | number;

function show(cell: Cell): string {
  return typeof cell === "number" ? cell.toLocaleString("en-US", { maximumFractionDigits: 1 }) : cell;
}

export function textTable(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const widths = head.map((title, at) =>
    rows.reduce((width, row) => Math.max(width, show(row[at] ?? "").length), title.length),
  );
  const line = (cells: readonly Cell[]) =>
    cells
      .map((cell, at) => {
        const text = show(cell);
        return typeof cell === "number" ? text.padStart(widths[at] ?? 0) : text.padEnd(widths[at] ?? 0);
      })
      .join("  ")
      .trimEnd();
  return [line(head), widths.map((width) => "-".repeat(width)).join("  "), ...rows.map(line)].join("\n");
}
