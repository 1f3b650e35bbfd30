/** "canary, 6.18 , canary" -> ["canary", "6.18"]. */
export function readTags(text: string): string[] {
  const names = text.split(",").map((name) => name.trim());
  return [...new Set(names)].filter((name) => name !== "");
}
