/**
 * What `capture --pid` costs the program: processor time for the same work alone, recorded, and recorded without page faults, in
 * turns. Needs root and perf; redis, postgres and chromium where they are installed.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { median } from "../engine/experiment/median.ts";
import { attach } from "../probe/attach.ts";
import { captureMeans, findProgram } from "../probe/capture-means.ts";
import type { Row, Section } from "./harness.ts";

const PAIRS = 5;
const TICK_MS = 10;
const folder = mkdtempSync(join(tmpdir(), "reclaim-lab-bench-capture-"));

/** Processor time of a process so far, with that of its children: those that it has waited for, and those that live. */
function processorMs(pid: number): number {
  let sum = 0;
  for (let pids = [pid]; pids.length > 0; )
    pids = pids.flatMap((each) => {
      try {
        const stat = readFileSync(`/proc/${each}/stat`, "latin1");
        const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        for (const field of [11, 12, 13, 14]) sum += Number(fields[field]) * TICK_MS;
        return readdirSync(`/proc/${each}/task`).flatMap((task) =>
          readFileSync(`/proc/${each}/task/${task}/children`, "utf8").split(" ").map(Number).filter(Boolean),
        );
      } catch {
        return [];
      }
    });
  return sum;
}

interface Target {
  readonly name: string;
  readonly pid: number;
  readonly children: boolean;
  /** The same each time. */
  readonly work: () => Promise<unknown>;
  readonly end: () => unknown;
}

let captures = 0;

async function spent(target: Target, how: "alone" | "recorded" | "light"): Promise<{ ms: number; events: number }> {
  if (how === "alone") {
    const before = processorMs(target.pid);
    await target.work();
    return { ms: processorMs(target.pid) - before, events: 0 };
  }
  const controller = new AbortController();
  let ms = 0;
  let working: Promise<void> | undefined;
  const out = join(folder, `capture-${captures++}`);
  const { events } = await attach({
    pid: target.pid,
    children: target.children,
    maxMb: 4096,
    stacks: false,
    intervalUs: 2000,
    folder: out,
    signal: controller.signal,
    ...(how === "light" ? { lightMs: 1000 } : {}),
    onRecording: () => {
      working = (async () => {
        const before = processorMs(target.pid);
        await target.work();
        ms = processorMs(target.pid) - before;
      })().finally(() => controller.abort());
    },
  });
  await working;
  rmSync(out, { recursive: true, force: true });
  return { ms, events };
}

async function* pairs(target: Target): AsyncGenerator<Row> {
  try {
    await target.work();
    const ratios = { recorded: [] as number[], light: [] as number[] };
    let alone = 0;
    const most = { recorded: 0, light: 0 };
    for (let pair = 0; pair < PAIRS; pair++)
      for (const how of ["recorded", "light"] as const) {
        const without = await spent(target, "alone");
        const recorded = await spent(target, how);
        alone = without.ms;
        most[how] = Math.max(most[how], recorded.events);
        ratios[how].push(recorded.ms / without.ms);
      }
    for (const how of ["recorded", "light"] as const) {
      const sorted = ratios[how].toSorted((a, b) => a - b);
      const ratio = median(ratios[how]);
      const range = `${sorted[1].toFixed(2)} to ${sorted[PAIRS - 2].toFixed(2)}`;
      const note = `${ratio.toFixed(2)}, the median of ${PAIRS} pairs (all but the least and the most ${range}); ${alone} ms alone, ${most[how].toLocaleString("en-US")} lines of events`;
      yield {
        what: `${target.name}: processor time, ${how === "light" ? "--light" : how} / alone`,
        value: ratio,
        unit: "x",
        note,
      };
    }
  } finally {
    await target.end();
  }
}

const ended = async (child: ChildProcess): Promise<void> => {
  child.kill("SIGTERM");
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
};

/** State built before; each round maps, uses and gives back memory in pieces of all sizes. */
const WORKER = `const held = Array.from({ length: 64 }, () => Buffer.alloc(1 << 20, 1));
require("node:readline").createInterface({ input: process.stdin }).on("line", () => {
  for (let i = 0; i < 2000; i++) held[i % 64] = Buffer.alloc((1 + (i * 37) % 300) << 14, i);
  console.log("done");
});`;

function worker(): Target {
  const child = spawn(process.execPath, ["-e", WORKER], { stdio: ["pipe", "pipe", "ignore"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    name: "a worker",
    pid: child.pid ?? 0,
    children: false,
    work: async () => {
      child.stdin.write("go\n");
      await lines.next();
    },
    end: () => ended(child),
  };
}

async function redis(): Promise<Target | null> {
  if (findProgram("redis-server") === undefined || findProgram("redis-benchmark") === undefined) return null;
  const socket = join(folder, "redis.sock");
  const words = ["--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", folder];
  const child = spawn("redis-server", words, { stdio: "ignore" });
  while (!existsSync(socket)) await sleep(20);
  return {
    name: "redis under load",
    pid: child.pid ?? 0,
    children: false,
    work: async () => {
      const load = spawn(
        "redis-benchmark",
        ["-s", socket, "-q", "-n", "40000", "-c", "20", "-d", "2000", "-r", "20000", "-t", "set,get"],
        { stdio: "ignore" },
      );
      await once(load, "exit");
    },
    end: () => ended(child),
  };
}

const POSTGRES = "/usr/lib/postgresql";

async function postgres(): Promise<Target | null> {
  if (!existsSync(POSTGRES)) return null;
  const bin = join(POSTGRES, readdirSync(POSTGRES).sort().at(-1) ?? "", "bin");
  if (!existsSync(join(bin, "pgbench"))) return null;
  const data = join(folder, "postgres");
  // It refuses to run as root.
  execFileSync("install", ["-d", "-o", "postgres", data]);
  execFileSync("chmod", ["755", folder]);
  const as = ["-u", "postgres", "--"];
  execFileSync("runuser", [...as, join(bin, "initdb"), "-D", data, "-A", "trust"], { stdio: "ignore" });
  const options = ["-D", data, "-k", data, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "huge_pages=off"];
  const child = spawn(
    "setpriv",
    ["--reuid=postgres", "--regid=postgres", "--clear-groups", join(bin, "postgres"), ...options],
    {
      stdio: "ignore",
    },
  );
  const client = (program: string, ...words: string[]): string[] => [
    ...as,
    join(bin, program),
    "-h",
    data,
    ...words,
    "postgres",
  ];
  while (spawnSync("runuser", client("psql", "-c", "select 1"), { stdio: "ignore" }).status !== 0) await sleep(100);
  execFileSync("runuser", client("pgbench", "-i", "-q", "-s", "5"), { stdio: "ignore" });
  return {
    name: "postgres with 20 backends",
    pid: child.pid ?? 0,
    children: true,
    work: async () => {
      const load = spawn("runuser", client("pgbench", "-n", "-S", "-c", "20", "-j", "2", "-t", "400"), {
        stdio: "ignore",
      });
      await once(load, "exit");
    },
    end: () => ended(child),
  };
}

/** A page that makes and drops objects and elements. */
const PAGE = `data:text/html,<script>onload=()=>{let a=[];for(let i=0;i<60;i++){a[i%8]=Array.from({length:40000},(_,j)=>({j}));
document.body.innerHTML='<p>'.repeat(300)+i;document.body.offsetHeight}document.title='done'}</script><body>`;

async function chromium(): Promise<Target | null> {
  if (findProgram("chromium") === undefined) return null;
  const words = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", "about:blank"];
  const child = spawn("chromium", [`--user-data-dir=${join(folder, "chromium")}`, ...words], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let port = "";
  for await (const line of createInterface({ input: child.stderr })) {
    port = /127\.0\.0\.1:(\d+)/.exec(line)?.[1] ?? "";
    if (port !== "") break;
  }
  child.stderr.resume();
  const list = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
    readonly webSocketDebuggerUrl: string;
    readonly type: string;
  }[];
  const socket = new WebSocket(list.find(({ type }) => type === "page")?.webSocketDebuggerUrl ?? "");
  await once(socket as unknown as NodeJS.EventEmitter, "open").catch(() => undefined);
  let id = 0;
  const ask = (
    method: string,
    params: object,
  ): Promise<{ readonly result?: { readonly result?: { readonly value?: string } } }> =>
    new Promise((resolve) => {
      const own = ++id;
      const take = (event: MessageEvent): void => {
        const answer = JSON.parse(String(event.data)) as { readonly id?: number };
        if (answer.id !== own) return;
        socket.removeEventListener("message", take);
        resolve(answer as never);
      };
      socket.addEventListener("message", take);
      socket.send(JSON.stringify({ id: own, method, params }));
    });
  return {
    name: "chromium",
    pid: child.pid ?? 0,
    children: true,
    work: async () => {
      await ask("Page.navigate", { url: PAGE });
      for (;;) {
        const { result } = await ask("Runtime.evaluate", { expression: "document.title" });
        if (result?.result?.value === "done") return;
        await sleep(20);
      }
    },
    end: async () => {
      socket.close();
      await ended(child);
    },
  };
}

async function* rows(): AsyncGenerator<Row> {
  const means = await captureMeans("perf");
  if (means.how !== "perf") {
    yield { what: "recording", value: Number.NaN, unit: "x", note: `skipped: ${means.how === null ? means.why : ""}` };
    return;
  }
  try {
    for (const [name, start] of Object.entries({ worker, redis, postgres, chromium })) {
      const target = await start();
      if (target === null) yield { what: name, value: Number.NaN, unit: "x", note: "skipped: it is not installed" };
      else yield* pairs(target);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const section: Section = { title: "Recording a program that runs already", rows };
