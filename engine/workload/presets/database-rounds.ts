import type { Operation } from "../operation.ts";
import { GIB, KIB, MIB, PAGE, TIB } from "../sizes.ts";
import { arenaFor, bytesParam, choice, countParam, num, type Preset } from "./preset.ts";

/** Mapped, used and given back this much at a time, as a page pool maps large regions. */
const REGION = 64 * MIB;

/** A database's page pool that replaced munmap by MADV_DONTNEED. */
export const databaseRounds: Preset = {
  name: "database-rounds",
  title: "A database: from munmap to MADV_DONTNEED",
  description:
    "A query engine's page pool maps large regions, slices them into pages and releases each page on its own. Once munmap " +
    "was replaced by madvise(MADV_DONTNEED), VmPTE grew with every round of queries: 28, 123, 185, 270 MB.",
  params: [
    bytesParam("resident", "At start", "Memory in use before the first query.", {
      min: REGION,
      max: TIB,
      default: 13 * GIB,
      multipleOf: REGION,
    }),
    bytesParam(
      "fresh",
      "Fresh address space per round",
      "Regions that one round of queries newly maps, uses and releases.",
      {
        min: REGION,
        max: TIB,
        default: 30 * GIB,
        multipleOf: REGION,
      },
    ),
    bytesParam(
      "piece",
      "Chunk size",
      "How much is released at a time: the pool's page. From 2 MiB on, tables can be freed.",
      {
        min: PAGE,
        max: REGION,
        default: 64 * KIB,
      },
    ),
    {
      name: "release",
      label: "Release",
      description: "What the pool does with a page that it no longer needs.",
      type: "choice",
      choices: [
        { value: "dontneed", label: "madvise(MADV_DONTNEED), keeping the address" },
        { value: "munmap", label: "munmap of the region, as before" },
      ],
      default: "dontneed",
    },
    countParam("rounds", "Query rounds", "How often the queries run.", { min: 1, max: 64, default: 4 }),
  ],
  sources: [
    {
      title: "YDB: Reserve address space of freed MKQL pages instead of leaking it (pull request 52728)",
      reference: "https://github.com/ydb-platform/ydb/pull/52728",
      used: "VmPTE at start 28196 kB, after 1, 2 and 4 rounds of TPC-H Q9 122568, 184852 and 269636 kB; VIRT 20 to 141 GiB.",
    },
    {
      title: "YDB: Unlimited Virtual Memory Growth (issue 52719)",
      reference: "https://github.com/ydb-platform/ydb/issues/52719",
      used: "Large regions are mapped and sliced into pages that are freed one by one.",
    },
  ],
  operationCount(params) {
    const regions = num(params, "fresh") / REGION;
    return 2 * (num(params, "resident") / REGION) + num(params, "rounds") * regions * 3;
  },
  *operations(params): Generator<Operation> {
    const resident = num(params, "resident");
    const fresh = num(params, "fresh");
    const rounds = num(params, "rounds");
    const unmaps = choice(params, "release") === "munmap";
    const base = arenaFor(resident + rounds * fresh);
    for (let at = 0; at < resident; at += REGION) {
      yield { op: "mmap", addr: base + at, len: REGION, prot: "rw", backing: "anon" };
      yield { op: "touch", addr: base + at, len: REGION, access: "w" };
    }
    for (let round = 0; round < rounds; round++) {
      const start = base + resident + round * fresh;
      for (let at = 0; at < fresh; at += REGION) {
        yield { op: "mmap", addr: start + at, len: REGION, prot: "rw", backing: "anon" };
        yield { op: "touch", addr: start + at, len: REGION, access: "w" };
      }
      for (let at = 0; at < fresh; at += REGION) {
        if (unmaps) yield { op: "munmap", addr: start + at, len: REGION };
        else yield { op: "madvise", addr: start + at, len: REGION, advice: "dontneed", step: num(params, "piece") };
      }
    }
  },
};
