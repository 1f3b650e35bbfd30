/** What an operation came to, on either side. */
export interface Answer {
  /** VmPTE above the start, in kB. */
  readonly deltaKb: number;
  /** `ok`, an errno, `segv=N,bus=M`, `child=KB`, `vmas=N ...`, `ok=BYTES`. */
  readonly status: string;
}

/** Parses the probe's `delta <tab> status`. */
export function parseAnswer(line: string): Answer {
  const [delta, status] = line.split("\t");
  if (delta === undefined || status === undefined) throw new Error(`not a result line: ${line}`);
  return { deltaKb: Number(delta), status };
}

const sameAnswer = (a: Answer, b: Answer): boolean => a.deltaKb === b.deltaKb && a.status === b.status;

/** The index of the first operation that the two answer differently; -1 where they agree. */
export function firstDifference(a: readonly Answer[], b: readonly Answer[]): number {
  const count = Math.max(a.length, b.length);
  for (let i = 0; i < count; i++) {
    const [x, y] = [a[i], b[i]];
    if (x === undefined || y === undefined || !sameAnswer(x, y)) return i;
  }
  return -1;
}
