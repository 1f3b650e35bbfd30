/**
 * One lab host that goes on for thousands of experiments: small ones, big ones, cancelled ones, with their maps, their
 * samples, searches of the explorer, deletions. What it holds at rest must be level, and below a stated bound.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { buildIfNeeded } from "../../scripts/lib/build.ts";
import { HostProcess } from "../kill/host.ts";
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
/** Big enough to leave hundreds of MB behind where an allocator does not give them back. */
const BIG = ["commit-table", "redis-flush", "vm-balloon", "fork-server", "server"];
const BIG_MS_MAX = 2500;

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
    const started = await this.#start(big ? this.#random.pick(BIG) : "go-scavenger", {});
    const cancel = setTimeout(
      () => void this.#host.call("experiment.cancel", { id: started.id }),
      big ? BIG_MS_MAX : this.#random.below(200),
    );
    await this.#untilEnded(started.runs.length);
    clearTimeout(cancel);
    return started;
  }

  /** One experiment and what is looked at of it. */
  async experiment(): Promise<void> {
    const { id, runs } = await this.#run();
    for (const run of runs) await this.#ask("run.samples", { runId: run.id, maxPoints: 2000 });
    await this.#ask("history.list", { limit: 100 });
    // All at once, as when somebody changes quickly between runs.
    if (this.#random.chance(1 / 25))
      await Promise.all(
        [...runs, ...runs].map((run) =>
          this.#host.call("map.read", { runId: run.id, operations: 40, cells: 4000 }).catch(() => null),
        ),
      );
    if (this.#random.chance(1 / 50)) {
      this.#ended = 0;
      const scenarios = await this.#ask<{ name: string }[]>("race.list");
      await this.#ask("race.start", { scenario: this.#random.pick(scenarios).name, without: null });
      await this.#untilEnded(1);
    }
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
    const host = new HostProcess(join(folder, "history.sqlite"));
    const looks: { at: number; mb: MemoryMb }[] = [];
    try {
      await host.ready();
      const use = new Use(host, seeded(seed));
      const every = Math.max(1, Math.floor(experiments / LOOKS));
      for (let i = 1; i <= experiments; i++) {
        await use.experiment();
        if (i % every !== 0) continue;
        await sleep(300);
        looks.push({ at: i, mb: memoryOf(host.child.pid ?? 0) });
      }
    } finally {
      await host.close();
      rmSync(folder, { recursive: true, force: true });
    }
    const head = ["experiments", "resident, MB", "allocator", "threads and V8", "code and files"];
    const shown = looks.filter((_, i) => i % 5 === 4 || i === 0);
    say(
      textTable(
        head,
        shown.map(({ at, mb }) => [at, mb.all, mb.allocator, mb["threads and V8"], mb["code and files"]]),
      ),
    );
    writeFileSync(join(out, "memory.json"), JSON.stringify(looks));
    const part = (from: number, to: number): number =>
      middle(looks.filter(({ at }) => at > from * experiments && at <= to * experiments).map(({ mb }) => mb.all));
    const [second, last] = [part(0.2, 0.4), part(0.8, 1)];
    const most = Math.max(...looks.map(({ mb }) => mb.all));
    return {
      ok: last - second <= GROWTH_MB && most <= BOUND_MB,
      summary:
        `${experiments.toLocaleString("en-US")} experiments in one host: ${second.toFixed(0)} MB in the second fifth, ` +
        `${last.toFixed(0)} MB in the last (${GROWTH_MB} MB more are allowed), at most ${most.toFixed(0)} of ${BOUND_MB} MB`,
    };
  },
  { experiments: { type: "string" } },
);
