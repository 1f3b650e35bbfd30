/** What several tests need to have been run, or to open. */
import { expect, type LabApp } from "./fixtures.ts";

/** Runs the series' own experiment in both modes to its end; gives its id. */
export async function runToEnd(lab: LabApp, title: string, params: Record<string, number>): Promise<number> {
  const { id } = await lab.call("experiment.start", {
    workload: { kind: "preset", name: "commit-table", params },
    title,
  });
  await expect
    .poll(async () => (await lab.call("experiment.get", { id })).runs.map((run) => run.status))
    .toEqual(["done", "done"]);
  return id;
}

/** A workload file: one table's worth is touched and given back. */
export const WORKLOAD = [
  '{"format":"reclaim-lab-ops","version":1,"title":"two megabytes"}',
  '{"op":"mmap","addr":17592186044416,"len":4194304,"prot":"rw","backing":"anon"}',
  '{"op":"touch","addr":17592186044416,"len":2097152,"access":"w"}',
  '{"op":"madvise","addr":17592186044416,"len":2097152,"advice":"dontneed"}',
  "",
].join("\n");
