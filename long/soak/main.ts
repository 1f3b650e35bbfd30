/**
 * Random use of the real window by script: clicks on whatever is there, keys, words in fields, runs, cancels, deletes.
 * Nothing may break in the page, the lab must answer to the end, and the memory of every process must be level: what
 * it holds in the last third of the time is not more than in the second one, but for a margin. `--minutes N`.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { buildIfNeeded } from "../../scripts/lib/build.ts";
import { electronSwitches } from "../../scripts/lib/display.ts";
import { findElectron } from "../../scripts/lib/electron-runtime.ts";
import { ROOT } from "../../scripts/lib/paths.ts";
import { startDisplay } from "../../scripts/lib/xvfb.ts";
import { type Page, startWindow, until } from "../lib/cdp.ts";
import { middle } from "../lib/middle.ts";
import { runPart } from "../lib/part.ts";
import { type ProcessInfo, tree } from "../lib/processes.ts";
import { type Random, seeded } from "../lib/random.ts";
import { textTable } from "../lib/table.ts";

const MINUTES = 60;
const MINUTES_SHORT = 4;
const LOOK_EVERY_MS = 10_000;
/** What a process may hold more in the last third than in the second. */
const GROWTH_MAX = 1.2;
const GROWTH_MB = 40;
/** And what the lab host may hold in the middle look of the last third: its workers come and go, and leave nothing. */
const HOST_MB = 400;
/** So many experiments are kept: memory that grows with the history is no leak. */
const KEPT = 30;

/** What asks the system (dialogs that only a person can answer) is left alone. */
const CLICKABLE = `[...document.querySelectorAll('button, [role=tab], [role=option], [role=menuitem], [role=row], summary, input, select, canvas')]
  .filter((each) => !/csv|json|png|svg|html|report|open|import|back ?up|restore|merge|recover|replace|copy of|save|drop/i.test(each.textContent + (each.ariaLabel ?? '')))
  .map((each) => each.getBoundingClientRect())
  .filter((box) => box.width > 3 && box.height > 3 && box.top >= 0 && box.left >= 0 && box.bottom <= innerHeight && box.right <= innerWidth)
  .map((box) => [box.left + box.width / 2, box.top + box.height / 2])`;

const KEYS = [
  "Escape",
  "Tab",
  "Enter",
  "ArrowDown",
  "ArrowUp",
  "ArrowRight",
  "Home",
  "End",
  "PageDown",
  "?",
  "/",
  "+",
  "-",
];

interface Row {
  readonly id: number;
}

async function act(page: Page, random: Random, counts: Map<string, number>): Promise<void> {
  const did = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1);
  const list = async () => (await page.call<{ rows: Row[]; total: number }>("history.list", { limit: 100 })).rows;
  const dice = random.below(100);
  if (dice < 60) {
    const places = await page.evaluate<[number, number][]>(CLICKABLE);
    if (places.length === 0) return;
    const [x, y] = random.pick(places);
    await page.click(x, y);
    did("clicks");
  } else if (dice < 72) {
    const key = random.pick(KEYS);
    await page.send("Input.dispatchKeyEvent", {
      type: "keyDown",
      key,
      code: key,
      text: key.length === 1 ? key : undefined,
    });
    await page.send("Input.dispatchKeyEvent", { type: "keyUp", key, code: key });
    did("keys");
  } else if (dice < 76) {
    await page.send("Input.insertText", { text: random.pick(["commit", "2M", "-1", "x".repeat(300), "é💥", "0"]) });
    did("words");
  } else if (dice < 86) {
    const preset = random.pick(["commit-table", "ping-pong", "guard-pages", "go-scavenger"]);
    const params = preset === "commit-table" ? { size: 2 ** random.between(22, 35) } : {};
    await page.call("experiment.start", { workload: { kind: "preset", name: preset, params } });
    did("runs");
  } else if (dice < 91) {
    const [newest] = await list();
    if (newest !== undefined) await page.call("experiment.cancel", { id: newest.id });
    did("cancels");
  } else if (dice < 95) {
    const rows = await list();
    const ids = rows.length > KEPT ? rows.slice(KEPT).map((row) => row.id) : rows.slice(0, 1).map((row) => row.id);
    if (ids.length > 0) await page.call("experiment.delete", { ids });
    did("deletes");
  } else if (dice < 97) {
    await page.send("Emulation.setEmulatedMedia", {
      features: [{ name: "prefers-color-scheme", value: random.pick(["light", "dark"]) }],
    });
    did("themes");
  } else {
    await page.evaluate("location.reload(), 0");
    await sleep(300);
    await page.ready();
    did("reloads");
  }
}

/** Which of the program's processes this is, `main` being the one that was started: what has no type, a helper, goes by its program's name. */
function role({ pid, command }: ProcessInfo, main: number | undefined): string {
  if (pid === main) return "main";
  if (command.includes("host.mjs")) return "lab host";
  const type = /--type=([\w-]+)/.exec(command)?.[1];
  if (type === undefined) return basename(command.split(" ")[0] ?? "");
  return type === "utility" ? `utility ${/--utility-sub-type=(\w+)/.exec(command)?.[1] ?? ""}` : type;
}

/** What the processes of a role hold together, at a time since the beginning. */
interface Look {
  readonly atMs: number;
  readonly mb: number;
  readonly anonMb: number;
  readonly fileMb: number;
  readonly shmemMb: number;
}

/** A look at every role. Processes of one role are added up: one by one, a small one would hide what a large one holds. */
function lookAt(main: number | undefined, atMs: number): Map<string, Look> {
  const looks = new Map<string, Look>();
  for (const each of tree(main ?? 0, { memory: true })) {
    const name = role(each, main);
    const before = looks.get(name);
    const { anonKb, fileKb, shmemKb } = each.parts;
    looks.set(name, {
      atMs,
      mb: (before?.mb ?? 0) + each.memoryKb / 1024,
      anonMb: (before?.anonMb ?? 0) + anonKb / 1024,
      fileMb: (before?.fileMb ?? 0) + fileKb / 1024,
      shmemMb: (before?.shmemMb ?? 0) + shmemKb / 1024,
    });
  }
  return looks;
}

await runPart(
  "soak",
  async ({ seed, short, values, say, out }) => {
    const minutes = Number(values.minutes ?? (short ? MINUTES_SHORT : MINUTES));
    const electron = await findElectron();
    buildIfNeeded();
    const folder = mkdtempSync(join(tmpdir(), "reclaim-lab-soak-"));
    const display = await startDisplay();
    const random = seeded(seed);
    const counts = new Map<string, number>();
    const memory = new Map<string, Look[]>();
    const broke: string[] = [];
    const started = await startWindow(
      electron.executable,
      [...electronSwitches().filter((each) => each !== "--disable-gpu"), ROOT],
      { ...process.env, DISPLAY: display.name, RECLAIM_LAB_DATA: folder },
    );
    const { page } = started;
    page.onEvent = (method, params) => {
      if (method !== "Runtime.exceptionThrown") return;
      const { exceptionDetails } = params as {
        exceptionDetails: { text: string; exception?: { description?: string } };
      };
      broke.push(exceptionDetails.exception?.description ?? exceptionDetails.text);
    };
    await page.send("Runtime.enable");
    const began = performance.now();
    const end = began + minutes * 60_000;
    let looked = began;
    try {
      while (performance.now() < end) {
        await act(page, random, counts).catch((error: unknown) => {
          const text = error instanceof Error ? error.message : String(error);
          // A click may have led the page to reload in the middle of a question: it is asked again.
          if (!/navigated|context was destroyed|Cannot find context|Promise was collected/i.test(text))
            broke.push(text);
        });
        if (broke.length > 20) break;
        await sleep(random.below(120));
        if (performance.now() - looked < LOOK_EVERY_MS) continue;
        looked = performance.now();
        await page.send("HeapProfiler.collectGarbage");
        for (const [name, look] of lookAt(started.child.pid, looked - began))
          memory.set(name, [...(memory.get(name) ?? []), look]);
      }
      await page.screenshot(join(out, "last.png"));
      await until("the lab to answer to the end", () => page.call("history.list", {}).catch(() => undefined));
      const health = await page.call<unknown>("doctor.look").then(
        () => true,
        () => false,
      );
      if (!health) broke.push("the lab did not answer at the end");
    } finally {
      await started.stop();
      display.close();
      rmSync(folder, { recursive: true, force: true });
    }
    const third = (minutes * 60_000) / 3;
    const rows = [...memory].map(([name, looks]) => {
      const second = middle(looks.filter(({ atMs }) => atMs >= third && atMs < 2 * third).map(({ mb }) => mb));
      const last = middle(looks.filter(({ atMs }) => atMs >= 2 * third).map(({ mb }) => mb));
      const bound = name === "lab host" ? HOST_MB : Number.POSITIVE_INFINITY;
      const level = last <= Math.min(second * GROWTH_MAX + GROWTH_MB, bound);
      const end = looks.at(-1);
      const split = [end?.anonMb, end?.fileMb, end?.shmemMb].map((mb) => (mb ?? 0).toFixed(0)).join(" + ");
      return {
        name,
        first: looks[0]?.mb ?? 0,
        second,
        last,
        most: Math.max(...looks.map(({ mb }) => mb)),
        split,
        level,
      };
    });
    const text = textTable(
      ["process", "first, MB", "second third, MB", "last third, MB", "most, MB", "own + files + shared, MB", ""],
      rows.map((row) => [
        row.name,
        row.first,
        row.second,
        row.last,
        row.most,
        row.split,
        row.level ? "level" : "GROWS",
      ]),
    );
    say(text);
    for (const each of [...new Set(broke)].slice(0, 10)) say(`  BROKE: ${each.slice(0, 1500)}`);
    writeFileSync(join(out, "broke.txt"), broke.join("\n\n"));
    writeFileSync(join(out, "memory.json"), JSON.stringify(Object.fromEntries(memory)));
    const did = [...counts].map(([what, count]) => `${count.toLocaleString("en-US")} ${what}`).join(", ");
    const grows = rows.filter((row) => !row.level);
    return {
      ok: broke.length === 0 && grows.length === 0,
      summary: `${minutes} minutes: ${did}; ${broke.length} errors; memory ${grows.length === 0 ? "level in every process" : `grows in ${grows.map((row) => row.name).join(", ")}`}`,
    };
  },
  { minutes: { type: "string" } },
);
