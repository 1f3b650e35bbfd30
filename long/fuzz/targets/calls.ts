/** Calls of the window, any name with any payload, through the dispatch that answers the real ones. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { CALLS, type CallName, type Handlers, isWindowCallName, type MainCallName } from "../../../main/contract.ts";
import { answerWindow, type HostSide } from "../../../main/electron/answer-window.ts";
import { type Desk, openDesk } from "../../../main/host/desk.ts";
import { anyValue, mutateValue } from "../mutate.ts";
import type { Target } from "../target.ts";

interface Input {
  readonly name: unknown;
  readonly params: unknown;
}

const QUICK = { size: 2 ** 22, chunk: 2 ** 21 };
const SHEET = {
  title: "page tables",
  lines: ["operation 1 of 2"],
  legend: [{ label: "empty", value: "3", color: "rgb(1, 2, 3)" }],
  parts: [
    {
      kind: "cells",
      title: "",
      columns: 2,
      counts: Uint32Array.of(1, 0, 2),
      colors: ["#000000"],
      rowLabels: ["0x0"],
      yTitle: "address",
      xTitle: "one cell = 1 PTE table",
    },
  ],
};
const VALID: Readonly<Partial<Record<string, readonly unknown[]>>> = {
  "app.openLink": [{ url: "https://example.org/a?b#c" }],
  "app.setSettings": [{ theme: "dark" }, { window: "{}" }],
  "experiment.start": [
    { workload: { kind: "preset", name: "commit-table", params: QUICK } },
    { workload: { kind: "preset", name: "commit-table", params: QUICK }, mode: "sync", seed: 7, levels: 5, title: "t" },
    { workload: { kind: "file", token: "abcdefgh", process: 2 }, source: "model" },
  ],
  "experiment.cancel": [{ id: 1 }],
  "experiment.again": [{ id: 1 }, { id: 1, whatIf: { kind: "whole" } }],
  "experiment.changed": [{ id: 1 }],
  "experiment.get": [{ id: 1 }],
  "experiment.describe": [{ id: 1, title: "new", tags: ["a", "b"], notes: "n", pinned: true }],
  "experiment.delete": [{ ids: [1, 2, 3] }],
  "experiment.restore": [{ ids: [1] }],
  "run.samples": [{ runId: 1, columns: ["vmpte_kb", "operations"], fromSeq: 3, maxPoints: 100 }],
  "history.list": [{}, { search: "commit", tags: ["a"], statuses: ["done"], sort: "saving", limit: 50, offset: 2 }],
  "file.openRecent": [{ id: "abcdefgh1234" }],
  "export.stage": [{ experimentId: 1, format: "png", theme: "dark", log: true }],
  "export.drag": [{ token: "abcdefgh1234" }],
  "clipboard.writeText": [{ text: "copied" }],
  "clipboard.writePicture": [{ png: new Uint8Array(64) }],
  "history.purge": [{}, { ids: [1] }],
  "rescue.open": [{ id: 1 }],
  "atlas.view": [{ token: "abcdefgh1234", baseline: "none" }],
  "atlas.run": [{ token: "abcdefgh1234", digest: "0".repeat(64), baseline: "none" }],
  "atlas.runWith": [{ token: "abcdefgh1234", digest: "0".repeat(64), baseline: "none" }],
  "experiment.estimate": [{ preset: "commit-table", params: QUICK, mode: ["none", "sync"], seed: 1 }],
  // Answered by main, which asks first; here it is only reached.
  "record.launch": [{ command: "true", folder: "", env: "", stacks: false }],
  "trial.launch": [{ command: "true", folder: "", settings: ["one: A=1"], repeat: 1 }],
  // A process that there is not.
  "record.attach": [{ pid: 2 ** 30, children: false, stacks: false }],
  "live.inspect": [{ pid: 1 }],
  "live.inspectService": [
    { target: { kind: "named", name: "init" } },
    { target: { kind: "name", pattern: "in*" } },
    { target: { kind: "cgroup", path: "/" } },
  ],
  "live.picture": [{ pid: 1, from: 0, count: 4, cells: 16 }],
  "live.keep": [{ pid: 1 }],
  "live.keepService": [{ target: { kind: "named", name: "init" } }],
  "map.read": [{ runId: 1, operations: 3, from: 0, count: 4, cells: 16, table: 2 }],
  "race.start": [{ scenario: "nonsense", kernel: null }],
  "race.text": [{ scenario: "nonsense", without: null, cpus: [0, 1, 0], format: "txt" }],
  "race.save": [{ scenario: "nonsense", without: "10", cpus: [], format: "json" }],
  "sweep.start": [{ preset: "commit-table", params: QUICK, parameter: "chunk", values: [4096, -1] }],
  "sweep.resume": [{ id: 1 }],
  "export.save": [
    { experimentId: 1, format: "csv", theme: "dark", log: true },
    { sheet: SHEET, origin: { kind: "experiment", id: 1 }, format: "svg", theme: "dark" },
    { sheet: SHEET, origin: { kind: "machine", seenAt: 1 }, format: "png" },
  ],
};
const NAMES = Object.keys(CALLS);

/** What the window's own process answers needs a desktop; here it only shows that a checked payload reached it. */
const own = new Proxy({} as Handlers<MainCallName>, {
  get: () => () => {
    throw new Reached();
  },
});
class Reached extends Error {}

let folder: string | undefined;
let lab: Desk | undefined;
let opened = 0;

async function fresh(): Promise<Desk> {
  // A history that grows for ever would slow the search for faults down.
  if (lab !== undefined && opened++ % 2000 !== 0) return lab;
  await lab?.close();
  folder ??= mkdtempSync(join(tmpdir(), "reclaim-lab-fuzz-"));
  rmSync(join(folder, "history"), { recursive: true, force: true });
  lab = openDesk({
    file: join(folder, "history", "history.sqlite"),
    folder: join(folder, "history"),
    emit: () => {},
    log: note,
    tell: () => {},
  });
  await lab.call("experiment.start", VALID["experiment.start"]?.[0]);
  return lab;
}

/** Faults of the program itself that the dispatch kept from the window. */
let noted: unknown;
function note(error: unknown): void {
  noted = error;
}

/** As much of a payload as a reader wants; written out, one that has a part 20,000 times can be longer than any string. */
const SHORT = { depth: 6, maxArrayLength: 20, maxStringLength: 500, breakLength: Number.POSITIVE_INFINITY };

export const calls: Target<Input> = {
  name: "ipc",
  inputs: 250_000,
  inputsShort: 2500,
  make(random) {
    const name = random.chance(0.9)
      ? random.pick(NAMES)
      : random.pick([...NAMES, "__proto__", "toString", "", 7, null]);
    const valid = (Object.hasOwn(VALID, String(name)) ? VALID[String(name)] : undefined) ?? [undefined];
    const sound = random.pick(valid);
    let params: unknown = random.chance(0.05) ? anyValue(random) : sound;
    if (random.chance(0.9))
      for (let left = random.between(1, 3); left > 0; left--) params = mutateValue(params, random);
    // A run that is started takes its time; most are started by other parts.
    if (name === "experiment.start" && params === sound && random.chance(0.95))
      params = { ...(sound as object), seed: -1 };
    return { name, params };
  },
  async give({ name, params }) {
    const host = await fresh();
    noted = undefined;
    const checked: HostSide = {
      call: (called, given) => {
        if (!isWindowCallName(called))
          throw new Error(`a call that is not the window's got through: ${String(called)}`);
        return host.call(called, given);
      },
    };
    // Between processes, only a structured clone arrives.
    const answered = await answerWindow(name, structuredClone(params), own, checked, (_call, error) => note(error));
    if ("result" in answered) return "taken";
    const { error } = answered;
    if (noted !== undefined && !(noted instanceof Reached)) throw noted;
    if (error.name === "InternalError" && !(noted instanceof Reached)) throw new Error(`InternalError: ${error.why}`);
    if (error.message === "" || error.message.length > 2000)
      throw new Error("an error without words, or with too many");
    return noted instanceof Reached ? "taken" : "refused";
  },
  show: ({ name, params }) => `${String(name)} ${inspect(params, SHORT)}`,
  async tidy() {
    await lab?.close();
    lab = undefined;
    opened = 0;
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    folder = undefined;
  },
};

/** Every call that the window may make has a sound payload here; a test says so. */
export const callsWithout = (NAMES as CallName[]).filter(
  (name) => isWindowCallName(name) && VALID[name] === undefined && CALLS[name].params.type !== "undefined",
);
