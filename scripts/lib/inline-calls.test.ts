import { describe, expect, test } from "vitest";
import { inlineCalls } from "./inline-calls.ts";

/** The functions called `step...` written out. */
function inlined(text: string): string {
  const names = [...text.matchAll(/function (step\w*)/g)].map(([, name]) => name);
  return inlineCalls(text, new Set(names));
}

/** What `main` of the text gives for each argument, as its calls are and written out. */
function bothGive(
  text: string,
  inputs: readonly number[],
): { readonly asIs: unknown[]; readonly out: unknown[]; left: number } {
  const after = inlined(text);
  const give = (code: string): unknown[] => {
    const plain = code.replace(/: (number|boolean|void|number\[\])(?=[ ,)=;])/g, "");
    const main = new Function(`${plain}\nreturn main;`)() as (n: number) => unknown;
    return inputs.map((n) => main(n));
  };
  const [, body] = after.split("function main");
  return { asIs: give(text), out: give(after), left: body.match(/step\w*\(/g)?.length ?? 0 };
}

const INPUTS = [0, 1, 2, 3, 7, -1];

const SAME: Record<string, string> = {
  "an expression, within a condition": `function stepEven(n: number): boolean { return n % 2 === 0; }
    function main(n: number): number { while (stepEven(n) && n > 0) n--; return n; }`,
  "returns in branches": `function stepSign(n: number): number { if (n < 0) return -1; if (n === 0) { return 0; } else { n++; } return n; }
    function main(n: number): number { const sign = stepSign(n); return sign * 10 + n; }`,
  "a name that the caller has": `function step(a: number): number { const n = a + 1; const { at } = { at: n }; return n * at; }
    function main(n: number): number { const at = 5; const x = step(n * at); return x + n + at; }`,
  "names written short": `function step(a: number): number { const n = 2; return Object.values({ n, a }).length + n + a; }
    function main(n: number): number { return step(n); }`,
  "a return from a loop that ends the step": `function step(out: number[], n: number): void {
      for (let i = 0; i < 9; i++) { if (i === n) return; out.push(i); } }
    function main(n: number): number { const out: number[] = []; step(out, n); out.push(n); return out.join(); }`,
  "an argument that is computed once": `function step(out: number[], a: number): number { out.push(a); out.push(a); return a; }
    function main(n: number): number { const out: number[] = []; let i = n; const x = step(out, i++); return [...out, x, i].join(); }`,
  "a call in a condition, in a branch without braces": `function step(n: number): boolean { if (n > 2) return true; return n < 0; }
    function main(n: number): number { let r = 0; if (n !== 1) if (step(n)) r = 1; else r = 2; return r; }`,
  "steps in steps, twice": `function stepA(n: number): number { if (n > 1) return n; return 1; }
    function stepB(n: number): number { const a = stepA(n); return a + stepA(a + 1); }
    function main(n: number): number { let r = 0; r = stepB(n); const s = stepB(r); return r * 100 + s; }`,
};

describe("calls written out do what the calls did", () => {
  test.each(Object.entries(SAME))("%s", (_, text) => {
    const { asIs, out, left } = bothGive(text, INPUTS);
    expect(out).toEqual(asIs);
    expect(left, inlined(text)).toBe(0);
  });
});

describe("what would not do the same is refused", () => {
  test.each([
    [
      "a call that is not the first thing done",
      `function step(n) { if (n) return 1; return 2; } function main(n) { const x = other(n) + step(n); return x; }`,
      "not what comes first",
    ],
    [
      "a return of a value from a loop",
      `function step(n) { while (n > 0) { if (n === 3) return n; n--; } return 0; } function main(n) { const x = step(n); return x; }`,
      "cannot be taken away",
    ],
    [
      "a return from a loop within a loop",
      `function step(n) { while (n > 0) { for (;;) { if (n) return; } } } function main(n) { step(n); return n; }`,
      "a loop within a loop",
    ],
    [
      "a branch that sometimes returns",
      `function step(n) { if (n > 0) { if (n === 3) return 1; } return 2; } function main(n) { const x = step(n); return x; }`,
      "would stand twice",
    ],
    [
      "a name that means something else to the caller",
      `function step(n) { return helper(n) + 1; } function main(helper) { const x = step(helper); return x; }`,
      "is something else",
    ],
  ])("%s", (_, text, why) => {
    expect(() => inlined(text)).toThrow(why);
  });
});
