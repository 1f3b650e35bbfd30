/** The live machine through the lab: looks, the map's cells, keeping, and what follows from what was kept. */
import { mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { KernelAnswers, startProbe } from "../../probe/conformance/kernel-answers.ts";
import { PROBE_PATH } from "../../probe/locate.ts";
import { describeKernel } from "../../probe/testing.ts";
import { resultOf } from "../answer.ts";
import type { CallArguments, CallResult, LabCallName } from "../contract.ts";
import { type Lab, openLab } from "./lab.ts";

let folder: string;
let lab: Lab;
let known: KernelAnswers;

async function ask<N extends LabCallName>(name: N, ...params: CallArguments<N>): Promise<CallResult<N>> {
  return resultOf(name, await lab.call(name, params[0]));
}

describeKernel("the live machine", () => {
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "live-lab-"));
    lab = openLab({ file: join(folder, "history.sqlite"), emit: () => undefined, log: () => undefined });
    known = new KernelAnswers(startProbe("whole"));
    await known.hold(["map 0 100M", "touch 0 100M stride=2M", "dontneed_step 0 100M 1M", "map 1G 20M", "touch 1G 20M"]);
  });
  afterEach(async () => {
    await known.close();
    await lab.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("a process that did not change is not looked at again, and one that did is", async () => {
    const row = (top: CallResult<"live.top">) => top.processes.find(({ pid }) => pid === known.pid);
    const first = row(await ask("live.top"));
    expect(first?.tables.empty.estimate).toBe(50);
    expect(row(await ask("live.top"))).toEqual(first);
    await known.hold(["dontneed_step 1G 20M 1M"]);
    expect(row(await ask("live.top"))?.tables.empty.estimate).toBe(60);
  });

  it("its tables are drawn as cells, whole and in parts", async () => {
    await ask("live.inspect", { pid: known.pid });
    const whole = await ask("live.picture", { pid: known.pid, cells: 1 });
    // full, partly used, empty, huge page, freed, none.
    expect(Array.from(whole?.counts ?? [])).toEqual([10, 1, 50, 0, 0, 0]);
    const part = await ask("live.picture", { pid: known.pid, from: 45, count: 10, cells: 2 });
    expect(part).toMatchObject({ from: 45, count: 10, cells: 2, total: 61 });
    expect(Array.from(part?.counts ?? [])).toEqual([0, 0, 5, 0, 0, 0, 5, 0, 0, 0, 0, 0]);
    expect(await ask("live.picture", { pid: 1, cells: 1 })).toBeNull();
  });

  it("a look is kept with its line, and is read, exported and found like a run", async () => {
    await ask("live.inspect", { pid: known.pid });
    const kept = await ask("live.keep", { pid: known.pid });
    expect(kept).toMatchObject({ workloadKind: "live", workload: "reclaim-probe", params: { pid: known.pid } });
    expect(kept.observation?.split.empty).toBe(200);
    const [run] = kept.runs;
    expect(run).toMatchObject({ source: "kernel", status: "done" });
    expect(run.summary?.final.empty_pte_tables).toBe(50);
    const samples = await ask("run.samples", { runId: run.id });
    expect(samples.count).toBe(2);
    expect((await ask("history.list", { search: "reclaim-probe" })).total).toBe(1);
    const path = join(folder, "kept.html");
    expect(await ask("export.write", { experimentId: kept.id, format: "html", path })).toBeGreaterThan(1000);
    await expect(ask("experiment.again", { id: kept.id })).rejects.toThrow("cannot be repeated");
  });

  it("a watch is kept with all its looks, also where the process has ended since, and tells its growth", async () => {
    for (let i = 0; i < 3; i++) await ask("live.inspect", { pid: known.pid, watched: true });
    await ask("live.top");
    await known.close();
    await expect(ask("live.inspect", { pid: known.pid })).rejects.toThrow("There is no process");
    // It has no row any more; its line stays.
    await ask("live.top");
    const kept = await ask("live.keep", { pid: known.pid });
    expect(kept.observation?.split.empty).toBe(200);
    expect((await ask("run.samples", { runId: kept.runs[0].id })).count).toBe(4);
  });

  it("a service is looked at and kept as one, with its own forecast", async () => {
    // By a name of their own: other probes come and go on this machine.
    const program = join(folder, "probe-service");
    await symlink(PROBE_PATH, program);
    const [first, second] = [1, 2].map(() => new KernelAnswers(startProbe("whole", program)));
    try {
      for (const each of [first, second])
        await each.hold(["map 0 100M", "touch 0 100M stride=2M", "dontneed_step 0 100M 1M"]);
      const target = { kind: "named", name: "probe-service" } as const;
      const seen = await ask("live.inspectService", { target });
      const own = seen.processes.filter(({ pid }) => pid === first.pid || pid === second.pid);
      expect(own.map(({ tables }) => tables.empty.estimate)).toEqual([50, 50]);
      expect(own.every(({ mappings }) => mappings.length === 0)).toBe(true);
      expect(seen.total.processes).toBe(seen.processes.length);
      expect(seen.forecast).toBeNull();
      const kept = await ask("live.keepService", { target });
      expect(kept).toMatchObject({ workload: "probe-service", params: { processes: seen.processes.length } });
      const after = await ask("live.inspectService", { target });
      expect(after.forecast).toMatchObject({ kbPerHour: null });
      // Looks within half a second of each other are one.
      expect([1, 2]).toContain(after.forecast?.observations);
      // What was kept of a process of that name is not the service's.
      expect((await ask("live.inspect", { pid: known.pid })).forecast).toBeNull();
    } finally {
      await Promise.all([first.close(), second.close()]);
    }
  });

  it("a kept look is tagged, found by its tag, and reported with its verdict", async () => {
    const kept = await ask("live.keep", { pid: known.pid });
    await ask("experiment.describe", { id: kept.id, tags: ["before"] });
    expect((await ask("history.list", { search: "before" })).total).toBe(1);
    const path = join(folder, "kept.html");
    await ask("export.write", { experimentId: kept.id, format: "html", path });
    const page = await readFile(path, "utf8");
    expect(page).toContain("Not a problem: its page tables are");
    expect(page).toContain("up to 200 KiB");
  });

  it("refuses in words a process that is not there", async () => {
    await expect(ask("live.inspect", { pid: 4_194_303 })).rejects.toThrow("There is no process 4194303");
  });
});
