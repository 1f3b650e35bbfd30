/** A trace without page faults: what its snapshots say of pages and empty tables becomes operations. */
import { expect, test } from "vitest";
import { DEFAULT_BASELINE, featuresOf, SERIES_POLICY } from "../../experiment/policies.ts";
import { createKernel } from "../../mm/kernel.ts";
import type { Operation } from "../operation.ts";
import { type FoundMapping, foundEndLine, foundLine, foundUntilLine, readFound } from "./found.ts";
import { ImportReport, importOperations, survey } from "./index.ts";

const PID = 7;
const AT = 2 ** 40;
const MIB = 2 ** 20;
const MAPPING: FoundMapping = {
  addr: AT,
  len: 64 * MIB,
  permissions: "rw-p",
  offset: 0,
  file: "",
  name: "",
  pages: [],
  empty: [],
};
const at = (ms: number): number => 1e9 + ms * 1e6;
const event = (ms: number, what: string): string =>
  `w ${PID}/${PID} ${(at(ms) / 1e9).toFixed(9)}: raw_syscalls:${what}\n`;
const call = (ms: number, number: number, ...args: number[]): string =>
  event(
    ms,
    `sys_enter: NR ${number} (${[...args, 0, 0, 0, 0, 0, 0]
      .slice(0, 6)
      .map((each) => each.toString(16))
      .join(", ")})`,
  ) + event(ms, `sys_exit: NR ${number} = 0`);
const MUNMAP = 11;
const MADVISE = 28;
const DONTNEED = 4;

async function operations(...lines: string[]): Promise<Operation[]> {
  const source = (async function* () {
    yield Buffer.from(
      [foundLine(PID, at(0), { ...MAPPING, comm: "w", light: true }), foundEndLine(PID, at(0)), ...lines].join(""),
    );
  })();
  const all: Operation[] = [];
  for await (const batch of importOperations(source, { pid: PID }, new ImportReport())) all.push(...batch);
  return all;
}

const later = (ms: number, mapping: Partial<FoundMapping>): string =>
  foundLine(PID, at(ms), { ...MAPPING, ...mapping, later: "end" });

async function vmpteKb(mode: typeof SERIES_POLICY, ...lines: string[]): Promise<number> {
  const kernel = createKernel({ features: featuresOf(mode), seed: 1 });
  for (const operation of await operations(...lines)) kernel.execute(operation);
  return kernel.vmpteKb();
}

/** A PMD and a PUD table. */
const UPPER_KB = 8;

test("a process lasts as long as it was recorded, also where it did nothing more", async () => {
  const lines = [call(20, MUNMAP, AT, MIB), foundUntilLine(PID, at(500))];
  const all = await operations(...lines);
  expect(all.at(-1)).toEqual({ op: "tick", ms: 0, at: 500e6 });
  const text = [foundLine(PID, at(0), MAPPING), foundEndLine(PID, at(0)), ...lines].join("");
  const source = (async function* () {
    yield Buffer.from(text);
  })();
  const report = new ImportReport();
  const { processes } = await survey(source, report);
  expect(processes).toMatchObject([{ pid: PID, startNs: at(0), endNs: at(500), events: 4 }]);
  expect(report.problems()).toEqual([]);
});

test("pages of a snapshot are in use from then on, those of what is not mapped are left out", async () => {
  const [seen] = (await operations(later(10, { addr: AT - 2 * MIB, len: 8 * MIB, pages: [0, 1024] }))).filter(
    (each) => each.op === "snapshot" && each.more === true,
  );
  expect(seen).toMatchObject({ addr: AT, len: 6 * MIB, pages: [0, 512], at: 10e6 });
});

test("an empty table that no snapshot showed before was emptied in pieces, or by a release of all of it", async () => {
  const empty = later(20, { empty: [0, 1024] });
  for (const mode of [DEFAULT_BASELINE, SERIES_POLICY]) expect(await vmpteKb(mode, empty)).toBe(UPPER_KB + 8);
  const whole = call(10, MADVISE, AT, 2 * MIB, DONTNEED);
  expect(await vmpteKb(DEFAULT_BASELINE, whole, empty)).toBe(UPPER_KB + 8);
  expect(await vmpteKb(SERIES_POLICY, whole, empty)).toBe(UPPER_KB + 4);
});

test("one whose table is known is not made anew, unless it was unmapped meanwhile", async () => {
  const used = later(10, { pages: [0, 512] });
  const whole = call(20, MADVISE, AT, 2 * MIB, DONTNEED);
  const empty = later(30, { empty: [0, 512] });
  expect(await vmpteKb(SERIES_POLICY, used, whole, empty)).toBe(UPPER_KB);
  expect(await vmpteKb(DEFAULT_BASELINE, used, whole, empty)).toBe(UPPER_KB + 4);
  const ops = await operations(
    used,
    call(15, MUNMAP, AT, 4 * MIB),
    later(30, { addr: AT + 4 * MIB, len: 2 * MIB, empty: [0, 512] }),
  );
  expect(ops.filter((each) => each.op === "snapshot").at(-1)).toMatchObject({ addr: AT + 4 * MIB, empty: [0, 512] });
});

test("a release before the last snapshot says nothing of a table that the next one shows first", async () => {
  const whole = call(10, MADVISE, AT, 2 * MIB, DONTNEED);
  const between = later(15, { addr: AT + 8 * MIB, len: 2 * MIB, pages: [0, 1] });
  const empty = later(20, { empty: [0, 512] });
  expect(await vmpteKb(SERIES_POLICY, whole, between, empty)).toBe(UPPER_KB + 8);
});

test("names of mappings and processes may hold what other programs take for the end of a line", () => {
  const odd = "x\r\u2028y";
  expect(readFound(foundLine(PID, at(0), { ...MAPPING, name: odd, comm: odd }).trimEnd())).toMatchObject({
    mapping: { name: odd, comm: odd },
  });
});
