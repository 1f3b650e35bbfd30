import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { afterEach, expect, test } from "vitest";
import { CALLS, EVENTS, type EventName } from "../contract.ts";
import type { Emit } from "./emit.ts";
import { raceHandlers } from "./races.ts";

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
  expect(await handlers["race.start"]({ scenario: "refault-resched", without: "each" })).toBe(2);
  await over;
  expect(results().map(({ without, verdict }) => [without, verdict])).toEqual([
    [null, "holds"],
    ["9fix", "broken"],
  ]);
  expect(told.at(-1)).toEqual({ name: "race.ended", payload: { status: "done", error: null } });
  const violation = results()[1].violation;
  expect(violation?.steps.at(-1)?.failing).toBe(true);

  const exported = { scenario: "refault-resched", without: "9fix" as const, cpus: violation?.cpus ?? [] };
  const text = await handlers["race.text"]({ ...exported, format: "txt" });
  expect(text).toContain(violation?.replay);
  expect(text).toContain("no write lost");
  const folder = mkdtempSync(join(tmpdir(), "races-"));
  folders.push(folder);
  const path = join(folder, "schedule.json");
  await handlers["race.write"]({ ...exported, format: "json", path });
  expect(JSON.parse(readFileSync(path, "utf8"))[0].violation.invariant).toBe("no write lost");
});

test("a search is cancelled, and a new one takes the place of the one under way", async () => {
  const { handlers, close, told, ended } = races();
  expect(await handlers["race.cancel"](undefined)).toBe(false);
  await handlers["race.start"]({ scenario: null, without: null });
  const second = await handlers["race.start"]({ scenario: "two-dontneeds", without: null });
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
  for (const { patches } of list) for (const { finding } of patches) expect(finding.length).toBeGreaterThan(40);
  await expect(handlers["race.start"]({ scenario: "nonsense", without: null })).rejects.toThrow("nonsense");
});
