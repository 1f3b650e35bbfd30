/** "choose from a, b, c". */
export function describeChoices(names: readonly string[]): string {
  return `choose from ${names.join(", ")}`;
}
