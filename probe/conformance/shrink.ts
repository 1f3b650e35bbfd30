/** Makes a failing script as short as it gets while it keeps failing. */

/**
 * Removes pieces of halving size, then single lines, until nothing more can go. `fails` says whether a script still
 * shows the difference (and cuts nothing itself); it is asked at most `asksMax` times.
 */
export async function shrinkScript(
  script: readonly string[],
  fails: (script: readonly string[]) => Promise<boolean>,
  asksMax = 2000,
): Promise<string[]> {
  let best = [...script];
  let asks = 0;
  for (let size = Math.max(1, best.length >> 1); size >= 1; ) {
    let removed = false;
    for (let at = best.length - size; at >= 0 && asks < asksMax; at -= size) {
      const shorter = [...best.slice(0, at), ...best.slice(at + size)];
      asks++;
      if (shorter.length > 0 && (await fails(shorter))) {
        best = shorter;
        removed = true;
      }
    }
    if (asks >= asksMax) break;
    if (size > 1) size >>= 1;
    else if (!removed) break;
  }
  return best;
}
