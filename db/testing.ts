/** What the tests of the history share: folders of their own, and records to fill it with. */
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describeError } from "../engine/error.ts";
import { type RunSummary, SAMPLE_COLUMNS, type SampleColumn } from "../engine/experiment/types.ts";
import type { NewExperiment, NewRun, RunFacts } from "./records.ts";

export function testFolder(): { path: string; file: (name?: string) => string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "reclaim-lab-db-"));
  return {
    path,
    file: (name = "history.sqlite") => join(path, name),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

export const FACTS: RunFacts = {
  engineVersion: "0.1.0",
  platform: "linux",
  kernelRelease: "6.18.0",
  cpu: "test",
  cpus: 2,
  memoryKb: 1024,
  ptReclaimSeen: null,
};

export const SPEC: NewExperiment = {
  title: "Commit table, 50 GB",
  workload: "commit-table",
  workloadKind: "preset",
  params: { size: 53_687_091_200, chunk: 2_097_152 },
  seed: 1,
  levels: 4,
};

export function newRun(mode: "sync" | "none" = "sync", more: Partial<NewRun> = {}): NewRun {
  return { source: "model", mode, facts: FACTS, ...more };
}

/** `count` packed rows from `from` on; each value is told from every other, unless `values` gives it. */
export function rows(
  from: number,
  count: number,
  values: Partial<Record<SampleColumn, (seq: number) => number>> = {},
): Float64Array {
  const width = SAMPLE_COLUMNS.length;
  const packed = new Float64Array(count * width);
  for (let i = 0; i < count; i++)
    for (const [at, { name }] of SAMPLE_COLUMNS.entries()) {
      const seq = from + i;
      packed[i * width + at] = values[name]?.(seq) ?? (name === "seq" ? seq : seq * 100 + at);
    }
  return packed;
}

export function summary(vmpteKb: number, more: Partial<RunSummary> = {}): RunSummary {
  return {
    operations: 100,
    wall_ms: 18.5,
    final: {
      vmpte_kb: vmpteKb,
      pte_tables: 9,
      pmd_tables: 50,
      pud_tables: 1,
      empty_pte_tables: 0,
      rss_kb: 3100,
      virt_kb: 52_428_800,
    },
    peak: { vmpte_kb: vmpteKb + 4, rss_kb: 5000 },
    reclaimed_pte_tables: 25_600,
    slow_path: 0,
    declined: { below_pmd: 0, split_vma: 0, entry_kept: 0, refilled: 0, advice: 0 },
    ...more,
  };
}

/** What the user reads when this fails; "" where it does not. */
export function said(call: () => unknown): string {
  try {
    call();
    return "";
  } catch (error) {
    return describeError(error);
  }
}

/** Makes a history in which a run has so many more samples, quickly: about 160 bytes each. */
export function addSamples(file: string, runId: number, from: number, count: number): void {
  const db = new Database(file, { fileMustExist: true });
  try {
    const names = SAMPLE_COLUMNS.map(({ name }) => name);
    const values = names.map((name, at) => (name === "seq" ? "i" : `i * ${at + 37}`));
    db.exec(`WITH RECURSIVE n(i) AS (VALUES (${from}) UNION ALL SELECT i + 1 FROM n WHERE i < ${from + count - 1})
      INSERT INTO sample (run_id, ${names.join(", ")}) SELECT ${runId}, ${values.join(", ")} FROM n;
      UPDATE run SET sample_count = sample_count + ${count} WHERE id = ${runId};`);
    db.pragma("wal_checkpoint(TRUNCATE)");
  } finally {
    db.close();
  }
}

/** Overwrites a page of a file with what is no page; the one in its middle, where a big history has samples. */
export function damagePage(file: string, page = Math.floor(statSync(file).size / 2 / 4096)): void {
  const fd = openSync(file, "r+");
  writeSync(fd, Buffer.alloc(4096, 0xa5), 0, 4096, page * 4096);
  closeSync(fd);
}
