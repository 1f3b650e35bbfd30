import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { afterEach, expect, test } from "vitest";
import { POLICY_IDS, SERIES_POLICY } from "../../engine/experiment/policies.ts";
import { CALLS, EVENTS, type EventName } from "../contract.ts";
import type { Emit } from "./emit.ts";
import { raceHandlers } from "./races.ts";

const COMPLETE = { mode: SERIES_POLICY, without: null };
const OTHERS = POLICY_IDS.filter((id) => id !== SERIES_POLICY);

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** The handlers, what they told, and a promise of the search's end. */
function races() {
  const told: { readonly name: EventName; readonly payload: unknown }[] = [];
  const waiting: (() => void)[] = [];
  const emit: Emit = (name, payload) => {
    told.push({ name, payload: v.parse(EVENTS[name], payload) });
    if (name === "race.ended") for (const each of waiting.splice(0)) each();
  };
  const { handlers, close } = raceHandlers(emit);
  const ended = () => new Promise<void>((resolve) => waiting.push(resolve));
  const results = () =>
    told.flatMap(({ name, payload }) => (name === "race.tried" ? [v.parse(EVENTS["race.tried"], payload)] : []));
  return { handlers, close, told, ended, results };
}

test("a scenario is tried complete and without its patch, in a worker, with a schedule that can be kept", async () => {
  const { handlers, ended, results, told } = races();
  const over = ended();
  expect(await handlers["race.start"]({ scenario: "refault-resched", kernel: null })).toBe(2 + OTHERS.length);
  await over;
  expect(results().map(({ mode, without, verdict }) => [mode, without, verdict])).toEqual([
    [SERIES_POLICY, null, "holds"],
    [SERIES_POLICY, "9fix", "broken"],
    ...OTHERS.map((mode) => [mode, null, "holds"]),
  ]);
  expect(told.at(-1)).toEqual({ name: "race.ended", payload: { status: "done", error: null } });
  const violation = results()[1].violation;
  expect(violation?.steps.at(-1)?.failing).toBe(true);

  const exported = {
    scenario: "refault-resched",
    mode: SERIES_POLICY,
    without: "9fix" as const,
    cpus: violation?.cpus ?? [],
  };
  const text = await handlers["race.text"]({ ...exported, format: "txt" });
  expect(text).toContain(violation?.replay);
  expect(text).toContain("a write was lost");
  const folder = mkdtempSync(join(tmpdir(), "races-"));
  folders.push(folder);
  const path = join(folder, "schedule.json");
  await handlers["race.write"]({ ...exported, format: "json", path });
  expect(JSON.parse(readFileSync(path, "utf8"))[0].violation.invariant).toBe("no write lost");
});

test("a search is cancelled, and a new one takes the place of the one under way", async () => {
  const { handlers, close, told, ended } = races();
  expect(await handlers["race.cancel"](undefined)).toBe(false);
  await handlers["race.start"]({ scenario: null, kernel: COMPLETE });
  const second = await handlers["race.start"]({ scenario: "two-dontneeds", kernel: COMPLETE });
  expect(second).toBe(1);
  await ended();
  const endings = told.filter(({ name }) => name === "race.ended").map(({ payload }) => payload);
  expect(endings).toEqual([
    { status: "cancelled", error: null },
    { status: "done", error: null },
  ]);
  await close();
});

test("scenarios are listed as the contract says, and a wrong name is refused with the right ones", async () => {
  const { handlers } = races();
  const list = v.parse(CALLS["race.list"].result, await handlers["race.list"](undefined));
  expect(list.map(({ name }) => name)).toContain("walker-single-free");
  for (const { cases } of list)
    for (const { without, finding } of cases) expect(finding.length).toBeGreaterThan(without === null ? -1 : 40);
  await expect(handlers["race.start"]({ scenario: "nonsense", kernel: COMPLETE })).rejects.toThrow("nonsense");
});

/** Without the fix a write is lost, as in refault-resched. */
const OWN = `title mine
setup
  map 0 2M rw
  touch 0 8K
lane DONTNEED
  dontneed 0 2M
lane writer
  touch 0 4K w
lane timer of CPU 0
  timer 0
`;

test("a scenario of the user's own is read, listed under its file's name, tried under everything, and its schedule kept", async () => {
  const { handlers, ended, results } = races();
  const folder = mkdtempSync(join(tmpdir(), "races-"));
  folders.push(folder);
  const path = join(folder, "mine.race");
  writeFileSync(path, OWN);
  const read = v.parse(CALLS["race.read"].result, await handlers["race.read"]({ path }));
  expect(read).toMatchObject({ name: "mine.race", title: "mine", lanes: ["DONTNEED", "writer", "timer of CPU 0"] });
  expect((await handlers["race.list"](undefined))[0]).toEqual(read);
  const over = ended();
  expect(await handlers["race.start"]({ scenario: "mine.race", kernel: null })).toBe(read.cases.length);
  await over;
  const broken = results().filter(({ verdict }) => verdict === "broken");
  expect(broken.map(({ mode, without }) => [mode, without])).toEqual([[SERIES_POLICY, "9fix"]]);
  const { violation, ...about } = broken[0];
  expect(violation?.replay).toMatch(/^reclaim-lab race mine\.race --without 9fix --schedule /);
  const { mode, without } = about;
  const cpus = violation?.cpus ?? [];
  const text = await handlers["race.text"]({ scenario: "mine.race", mode, without, cpus, format: "txt" });
  expect(text).toContain("mine.race, without the fix: invariant violated");
  // The same file once more takes its place; what is wrong is said with its line.
  writeFileSync(path, OWN.replace("title mine", "title other"));
  await handlers["race.read"]({ path });
  expect((await handlers["race.list"](undefined)).filter(({ name }) => name === "mine.race")).toHaveLength(1);
  writeFileSync(path, OWN.replace("touch 0 4K w", "nonsense"));
  await expect(handlers["race.read"]({ path })).rejects.toMatchObject({
    where: expect.stringContaining("mine.race:8"),
  });
});
