/**
 * One lab host that goes on for thousands of experiments: small ones, big ones, cancelled ones, with their maps, their
 * samples, searches of the explorer, deletions. What it holds at rest must be level, and below a stated bound.
 *
 * Resident memory alone does not tell a leak from warmth: most of what the C library's heaps keep is free pieces, as many
 * as the host's busiest moment left, and V8 sizes its young generation by how busy it was. So the busiest moments come
 * first, garbage is collected before each look, and what is then left in the host's own heap, its threads, its open files
 * and what keeps its event loop are counted by themselves: those hardly move unless something is kept that should not be.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SERIES_POLICY } from "../../engine/experiment/policies.ts";
import { buildIfNeeded } from "../../scripts/lib/build.ts";
import { HostProcess } from "../kill/host.ts";
import { until } from "../lib/cdp.ts";
import { middle } from "../lib/middle.ts";
import { runPart } from "../lib/part.ts";
import { type Random, seeded } from "../lib/random.ts";
import { textTable } from "../lib/table.ts";
import { type MemoryMb, memoryOf } from "./smaps.ts";

const EXPERIMENTS = 5000;
const EXPERIMENTS_SHORT = 400;
const LOOKS = 50;
/** What a host may hold at rest, and hold more in the last fifth than in the second. */
const BOUND_MB = 256;
const GROWTH_MB = 16;
/** How much more its own heap may hold, garbage collected; how many more threads, files and resources it may have. */
const HEAP_GROWTH_MB = 2;
const COUNT_GROWTH = 2;
/** Big enough to leave hundreds of MB behind where an allocator does not give them back. */
const BIG = ["commit-table", "redis-flush", "vm-balloon", "fork-server", "server"];
const BIG_MS_MAX = 2500;

/** What look-inside.mjs writes. */
interface Inside {
  /** Garbage collected. */
  readonly heapMb: number;
  /** Timers, workers, sockets and the like that keep the event loop. */
  readonly resources: number;
}

interface Look {
  readonly at: number;
  readonly mb: MemoryMb;
  readonly inside: Inside;
  readonly threads: number;
  readonly files: number;
}

const GROWN: readonly {
  readonly what: string;
  readonly unit: string;
  readonly allowed: number;
  readonly of: (look: Look) => number;
}[] = [
  { what: "resident", unit: " MB", allowed: GROWTH_MB, of: ({ mb }) => mb.all },
  { what: "own heap", unit: " MB", allowed: HEAP_GROWTH_MB, of: ({ inside }) => inside.heapMb },
  { what: "threads", unit: "", allowed: COUNT_GROWTH, of: ({ threads }) => threads },
  { what: "open files", unit: "", allowed: COUNT_GROWTH, of: ({ files }) => files },
  { what: "resources", unit: "", allowed: COUNT_GROWTH, of: ({ inside }) => inside.resources },
];

interface Started {
  readonly id: number;
  readonly runs: readonly { readonly id: number }[];
}

class Use {
  readonly #host: HostProcess;
  readonly #random: Random;
  #ended = 0;
  #wake = () => {};

  constructor(host: HostProcess, random: Random) {
    this.#host = host;
    this.#random = random;
    host.onEvent = (name) => {
      if (name !== "run.ended" && name !== "race.ended") return;
      this.#ended++;
      this.#wake();
    };
  }

  async #ask<T>(name: string, params?: unknown): Promise<T> {
    const answer = await this.#host.call<T>(name, params);
    if (answer === null) throw new Error(`the host died at ${name}`);
    return answer;
  }

  async #untilEnded(count: number): Promise<void> {
    while (this.#ended < count)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
  }

  async #start(name: string, params: Readonly<Record<string, number>>): Promise<Started> {
    this.#ended = 0;
    return this.#ask<Started>("experiment.start", { workload: { kind: "preset", name, params } });
  }

  async #run(): Promise<Started> {
    const big = this.#random.chance(1 / 100);
    if (!big && !this.#random.chance(1 / 20)) {
      const started = await this.#start("commit-table", { size: 2 ** this.#random.between(22, 30) });
      await this.#untilEnded(started.runs.length);
      return started;
    }
    if (big) return this.#cut(this.#random.pick(BIG), BIG_MS_MAX);
    return this.#cut("go-scavenger", this.#random.below(200));
  }

  /** Cancelled after so many milliseconds. */
  async #cut(name: string, afterMs: number): Promise<Started> {
    const started = await this.#start(name, {});
    const cancel = setTimeout(() => void this.#host.call("experiment.cancel", { id: started.id }), afterMs);
    await this.#untilEnded(started.runs.length);
    clearTimeout(cancel);
    return started;
  }

  /** All at once, as when somebody changes quickly between runs. */
  async #maps(runs: Started["runs"]): Promise<void> {
    await Promise.all(
      [...runs, ...runs].map((run) =>
        this.#host.call("map.read", { runId: run.id, operations: 40, cells: 4000 }).catch(() => null),
      ),
    );
  }

  async #race(scenario: string): Promise<void> {
    this.#ended = 0;
    await this.#ask("race.start", { scenario, kernel: { mode: SERIES_POLICY, without: null } });
    await this.#untilEnded(1);
  }

  async #scenarios(): Promise<string[]> {
    return (await this.#ask<{ name: string }[]>("race.list")).map(({ name }) => name);
  }

  /** The busiest that it will be: everything that is big, one after the other. */
  async warmUp(): Promise<void> {
    for (const name of BIG) {
      const { id, runs } = await this.#cut(name, BIG_MS_MAX);
      await this.#lookAt(runs);
      await this.#maps(runs);
      await this.#ask("experiment.delete", { ids: [id] });
    }
    for (const scenario of await this.#scenarios()) await this.#race(scenario);
    await this.#ask("history.purge", {});
  }

  async #lookAt(runs: Started["runs"]): Promise<void> {
    for (const run of runs) await this.#ask("run.samples", { runId: run.id, maxPoints: 2000 });
    await this.#ask("history.list", { limit: 100 });
  }

  /** One experiment and what is looked at of it. */
  async experiment(): Promise<void> {
    const { id, runs } = await this.#run();
    await this.#lookAt(runs);
    if (this.#random.chance(1 / 25)) await this.#maps(runs);
    if (this.#random.chance(1 / 50)) await this.#race(this.#random.pick(await this.#scenarios()));
    await this.#ask("experiment.delete", { ids: [id] });
    if (this.#random.chance(1 / 20)) await this.#host.call("history.purge", {});
  }
}

await runPart(
  "memory",
  async ({ seed, short, values, say, out }) => {
    const experiments = Number(values.experiments ?? (short ? EXPERIMENTS_SHORT : EXPERIMENTS));
    buildIfNeeded();
    const folder = mkdtempSync(join(tmpdir(), "reclaim-lab-memory-"));
    const answer = join(folder, "inside.json");
    const host = new HostProcess(join(folder, "history.sqlite"), {
      NODE_OPTIONS: `--import=${new URL("look-inside.mjs", import.meta.url).href}`,
      RECLAIM_LAB_LOOK_INSIDE: answer,
    });
    const looks: Look[] = [];
    const look = async (at: number): Promise<Look> => {
      await sleep(300);
      const pid = host.child.pid ?? 0;
      rmSync(answer, { force: true });
      host.child.kill("SIGUSR2");
      const inside = await until("the host to look inside itself", () =>
        existsSync(answer) ? (JSON.parse(readFileSync(answer, "utf8")) as Inside) : undefined,
      );
      const count = (what: string) => readdirSync(`/proc/${pid}/${what}`).length;
      return { at, mb: memoryOf(pid), inside, threads: count("task"), files: count("fd") };
    };
    try {
      await host.ready();
      const use = new Use(host, seeded(seed));
      await use.warmUp();
      const every = Math.max(1, Math.floor(experiments / LOOKS));
      for (let i = 1; i <= experiments; i++) {
        await use.experiment();
        if (i % every !== 0) continue;
        const seen = await look(i);
        looks.push(seen);
        // Kept on the way: on a busy machine it may be cut off.
        writeFileSync(join(out, "memory.json"), JSON.stringify(looks));
        if (looks.length % 5 === 0)
          say(
            `  ${i} of ${experiments}: ${seen.mb.all.toFixed(0)} MB resident, ${seen.inside.heapMb.toFixed(1)} MB own heap`,
          );
      }
    } finally {
      await host.close();
      rmSync(folder, { recursive: true, force: true });
    }
    const head = [
      "experiments",
      "resident, MB",
      "allocator",
      "threads and V8",
      "code and files",
      "own heap, MB",
      "threads",
      "files",
      "resources",
    ];
    const shown = looks.filter((_, i) => i % 5 === 4 || i === 0);
    say(
      textTable(
        head,
        shown.map(({ at, mb, inside, threads, files }) => [
          ...[at, mb.all, mb.allocator, mb["threads and V8"], mb["code and files"]],
          ...[inside.heapMb, threads, files, inside.resources],
        ]),
      ),
    );
    const part = (from: number, to: number, of: (look: Look) => number): number =>
      middle(looks.filter(({ at }) => at > from * experiments && at <= to * experiments).map(of));
    const growth = GROWN.map(({ what, unit, allowed, of }) => {
      const [second, last] = [part(0.2, 0.4, of), part(0.8, 1, of)];
      const digits = allowed < 10 && unit === " MB" ? 1 : 0;
      return {
        ok: last - second <= allowed,
        text: `${what} ${second.toFixed(digits)}${unit} in the second fifth, ${last.toFixed(digits)}${unit} in the last (${allowed} more are allowed)`,
      };
    });
    const most = Math.max(...looks.map(({ mb }) => mb.all));
    return {
      ok: growth.every(({ ok }) => ok) && most <= BOUND_MB,
      summary: [
        `${experiments.toLocaleString("en-US")} experiments in one host`,
        ...growth.map(({ ok, text }) => (ok ? text : `TOO MUCH: ${text}`)),
        `resident at most ${most.toFixed(0)} of ${BOUND_MB} MB`,
      ].join("; "),
    };
  },
  { experiments: { type: "string" } },
);
