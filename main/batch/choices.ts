/** "possible are a, b, c". */
export function describeChoices(names: readonly string[]): string {
  return `possible are ${names.join(", ")}`;
}
