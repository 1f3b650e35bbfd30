import { afterEach, beforeEach, expect, test } from "vitest";
import { savingsOf } from "../engine/experiment/compare-runs.ts";
import { openStore, type Store } from "./store.ts";
import { newRun, SPEC, summary, testFolder } from "./testing.ts";

let folder: ReturnType<typeof testFolder>;
let store: Store;

beforeEach(() => {
  folder = testFolder();
  store = openStore(folder.file());
});

afterEach(() => {
  store.close();
  folder.remove();
});

/** An experiment under two policies that came to so many kB each. */
function made(
  title: string,
  chunk: number,
  kb: readonly [none: number, sync: number],
  tags: readonly string[] = [],
  /** On average over the program's time, which it has then. */
  average?: readonly [none: number, sync: number],
): number {
  const params = { size: 2 ** 30, chunk, order: title.startsWith("r") ? "random" : "sequential" };
  const { id } = store.createExperiment({ ...SPEC, title, params, tags: [...tags] });
  for (const [at, mode] of (["none", "sync"] as const).entries()) {
    const run = store.startRun(id, newRun(mode, { params }));
    store.finishRun(run.id, {
      status: "done",
      summary: { ...summary(kb[at]), ...(average ? { program_ns: 1e9, average_vmpte_kb: average[at] } : {}) },
    });
  }
  return id;
}

test("expressions find what they say, by parameters, policies, tags, savings; negated too", () => {
  const small = made("small", 2 ** 16, [1000, 1000], ["prod"]);
  const large = made("large", 2 ** 21, [1000, 100], ["Prod", "on call"]);
  const random = made("random", 2 ** 21, [1000, 950]);
  const found = (filter: string) =>
    store
      .list({ filter, sort: "title", descending: false })
      .rows.map(({ id }) => id)
      .sort();
  expect(found("")).toEqual([small, large, random]);
  expect(found("chunk>1M")).toEqual([large, random]);
  expect(found("chunk=64K")).toEqual([small]);
  expect(found("chunk>1M saved>10%")).toEqual([large]);
  expect(found("saved=0%")).toEqual([small]);
  expect(found("-saved>10%")).toEqual([small, random]);
  expect(found("order:random")).toEqual([random]);
  expect(found("order!=random")).toEqual([small, large]);
  expect(found("tag:prod")).toEqual([small, large]);
  expect(found('tag:"on call"')).toEqual([large]);
  expect(found("policy:sync")).toHaveLength(3);
  expect(found("policy:eager")).toEqual([]);
  expect(found("peak>500K lar")).toEqual([large]);
  expect(found("created>=2020-01-01 created<2020-01-02")).toEqual([]);
  expect(found("is:sweep")).toEqual([]);
  expect(found("status:done source:model seed=1")).toHaveLength(3);
  // Nothing that is asked becomes SQL.
  expect(found('title:"\'); DROP TABLE run; --"')).toEqual([]);
});

test("the share in SQL is the one that rows show; rows are ordered by it and by parameters, and grouped", () => {
  const kb: readonly (readonly [number, number])[] = [
    [1000, 1000],
    [1000, 1],
    [500, 510],
    [0, 0],
  ];
  const ids = kb.map((pair, at) => made(`run ${at}`, 2 ** (12 + at), pair));
  ids.push(made("run by the clock", 2 ** 20, [72, 72], [], [400, 100]));
  const { rows } = store.list({ sort: "saved" });
  const shares = rows.map(({ runs }) => savingsOf(runs)?.best ?? Number.NaN);
  expect(shares).toEqual(shares.toSorted((a, b) => b - a));
  for (const [at, share] of shares.entries()) {
    const percent = share * 100;
    expect(store.list({ filter: `saved>=${percent - 0.001}%` }).rows.map(({ id }) => id)).toContain(rows[at]?.id);
    expect(store.list({ filter: `saved>${percent + 0.001}%` }).rows.map(({ id }) => id)).not.toContain(rows[at]?.id);
  }
  expect(store.list({ sort: "param.chunk", descending: false }).rows.map(({ id }) => id)).toEqual(ids);
  const grouped = store.list({ group: "param.order", sort: "created", descending: false }).rows;
  expect(grouped.map(({ params }) => params.order)).toEqual(grouped.map(({ params }) => params.order).toSorted());
});
