import { expect, test } from "vitest";
import type { Experiment } from "../../main/contract.ts";
import { changedPrograms } from "./changed-programs.ts";

const made = (id: number, what_if?: string): Experiment => ({
  id,
  uid: String(id),
  sweep: null,
  title: "",
  workload: "events.txt",
  workloadKind: "file",
  params: { pid: 7, ...(what_if === undefined ? {} : { what_if }) },
  seed: 1,
  levels: 4,
  createdAt: id,
  tags: [],
  notes: "",
  pinned: false,
  archived: false,
  deletedAt: null,
  runs: [],
});

test("of each change the newest stands, but the one that is looked at for its like; merged by how long, whole last", () => {
  const all = [made(1), made(2, "whole"), made(3, "coalesce=200"), made(4, "coalesce=50"), made(5), made(6, "whole")];
  const seen = (shown: number) => {
    const { asItIs, changed } = changedPrograms(all, shown);
    return [asItIs?.id, ...changed.map(({ experiment }) => experiment.id)];
  };
  expect(seen(5)).toEqual([5, 4, 3, 6]);
  expect(seen(1)).toEqual([1, 4, 3, 6]);
  expect(seen(2)).toEqual([5, 4, 3, 2]);
});

test("what was changed in a way that is not known here is left out", () => {
  const { asItIs, changed } = changedPrograms([made(1, "halve"), made(2, "whole")], 2);
  expect(asItIs).toBeUndefined();
  expect(changed.map(({ change }) => change)).toEqual([{ kind: "whole" }]);
});
