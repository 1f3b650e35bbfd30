/**
 * Processes that a look meets beside the ordinary ones: of huge pages, with swapped and merged memory, of 32 bits, that
 * end or exec while they are looked at, in name spaces of their own, zombies; and addresses of 5 levels, by arithmetic.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { isLook, type Look, type NoLook } from "../engine/live/look.ts";
import { mappingsOf } from "../engine/live/mappings.ts";
import { tablesOf } from "../engine/live/tables.ts";
import { KernelAnswers, startProbe } from "./conformance/kernel-answers.ts";
import { lower } from "./conformance/lower.ts";
import { PROBE_PATH } from "./locate.ts";
import { AnswerReader } from "./look-answer.ts";
import { expectBounds, held, lookerOf, withKnown } from "./look-known.testing.ts";
import { describeKernel, skipReason } from "./testing.ts";

const root = process.getuid?.() === 0;
const text = (path: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
};
const numberIn = (path: string, name: string): number =>
  Number(new RegExp(`^${name}:?\\s+(\\d+)`, "m").exec(text(path))?.[1] ?? 0);

/** A test that needs something of the machine; what it lacks is in its title. */
function testIf(lacks: string | null, title: string, body: () => Promise<void>): void {
  if (lacks === null) test(title, body);
  else test.skip(`${title} (skipped: ${lacks})`, body);
}

const children: ChildProcess[] = [];
function start(program: string, args: readonly string[]): ChildProcess {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "ignore"] });
  children.push(child);
  return child;
}
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

function seen(look: Look | NoLook): Look {
  if (!isLook(look)) throw new Error(`not looked at: ${look.why}`);
  return look;
}

/** The children of a process, by /proc. */
function childrenOf(pid: number): { readonly pid: number; readonly state: string }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const stat = text(`/proc/${name}/stat`);
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return Number(parent) === pid ? [{ pid: Number(name), state }] : [];
    });
}

async function until<T>(what: () => T | undefined): Promise<T> {
  for (;;) {
    const found = what();
    if (found !== undefined) return found;
    await new Promise((done) => setImmediate(done));
  }
}

/** Empty tables made by a program of 32 bits without a C library: 30, and 5 sparse ones; then it says so and waits. */
const PROGRAM_32 = `
static long call(long n, long a, long b, long c) {
  long r; __asm__ volatile("int $0x80" : "=a"(r) : "0"(n), "b"(a), "c"(b), "d"(c) : "memory"); return r;
}
void _start(void) {
  struct { unsigned long at, length, prot, flags, fd, offset; } map = {0, 80ul << 20, 3, 0x4022, -1ul, 0};
  unsigned long at = (unsigned long)call(90, (long)&map, 0, 0);
  at = (at + (2ul << 20) - 1) & ~((2ul << 20) - 1);
  call(219, at, 72ul << 20, 15); /* MADV_NOHUGEPAGE */
  for (unsigned i = 0; i < 35; i++) *(volatile char *)(at + i * (2ul << 20)) = 1;
  for (unsigned i = 0; i < 60; i++) call(219, at + i * (1ul << 20), 1ul << 20, 4);
  call(4, 1, (long)"ready\\n", 6);
  for (;;) call(29, 0, 0, 0);
}`;

let folder: string;
let program32: string | null = null;
if (skipReason === null) {
  folder = mkdtempSync(join(tmpdir(), "look-"));
  const source = join(folder, "small.c");
  writeFileSync(source, PROGRAM_32);
  try {
    program32 = join(folder, "small");
    execFileSync(
      "gcc",
      [
        "-m32",
        "-O1",
        "-nostdlib",
        "-ffreestanding",
        "-static",
        "-fno-pie",
        "-no-pie",
        "-fno-stack-protector",
        "-o",
        program32,
        source,
      ],
      { stdio: "ignore" },
    );
    execFileSync(program32, { timeout: 200, stdio: "ignore" });
  } catch (error) {
    // It waits for ever: the time-out is that it runs.
    if ((error as { code?: string }).code !== "ETIMEDOUT") program32 = null;
  }
}
afterAll(() => {
  if (skipReason === null) rmSync(folder, { recursive: true, force: true });
});

describeKernel("a look meets", () => {
  const looker = lookerOf({});

  testIf(
    program32 === null ? "no program of 32 bits can be made or run here" : null,
    "a process of 32 bits",
    async () => {
      const child = start(program32 ?? "", []);
      await once(child.stdout as NonNullable<typeof child.stdout>, "data");
      const { empty, in_use, sparse } = tablesOf(seen(await looker().look(child.pid ?? 0)));
      expect(empty.min).toBeLessThanOrEqual(30);
      expect(empty.max).toBeGreaterThanOrEqual(30);
      expect(Math.abs(empty.estimate - 30)).toBeLessThanOrEqual(8);
      expect(in_use).toBeGreaterThanOrEqual(6);
      expect(sparse).toBeGreaterThanOrEqual(5);
    },
  );

  testIf(
    numberIn("/proc/meminfo", "HugePages_Free") >= 4 ? null : "it needs 4 free huge pages: vm.nr_hugepages",
    "hugetlb pages, which have no table",
    async () => {
      const script = [
        "map 0 8M hugetlb",
        "touch 0 8M stride=2M",
        "map 4G 20M",
        "touch 4G 20M stride=2M",
        "dontneed_step 4G 20M 1M",
      ];
      const done = await withKnown(
        script,
        async (pid, truth) => {
          const look = seen(await looker().look(pid));
          expectBounds(tablesOf(look), truth);
          expect(tablesOf(look)).toMatchObject({ deposited: 0, empty: { min: 10, estimate: 10, max: 10 } });
          return true;
        },
        { hugetlbPages: numberIn("/proc/meminfo", "HugePages_Free") },
      );
      expect(done).toBe(true);
    },
  );

  testIf(
    text("/proc/swaps").trim().split("\n").length > 1 ? null : "it needs swap space",
    "swapped memory: its tables are in use, and markers beside it are pinned",
    async () => {
      const script = ["map 0 40M", "touch 0 40M stride=64K", "pageout 0 40M", "map 4G 4M", "guard_install 4G 8K"];
      await held(script, async (pid) => {
        const swapped = numberIn(`/proc/${pid}/status`, "VmSwap");
        const tables = tablesOf(seen(await looker().look(pid)));
        expect(swapped).toBeGreaterThan(0);
        expect(tables.in_use).toBe(21);
        expect(tables.pinned).toBe(1);
        expect(tables.empty).toEqual({ min: 0, estimate: 0, max: 0 });
      });
    },
  );

  testIf(
    text("/sys/kernel/mm/ksm/run").trim() === "1" ? null : "/sys/kernel/mm/ksm/run is not 1",
    "pages that KSM merged: their tables are in use",
    async () => {
      await held(["map 0 20M", "mergeable 0 20M", "touch 0 20M"], async (pid) => {
        await until(() => (/^ksm_merging_pages [1-9]/m.test(text(`/proc/${pid}/ksm_stat`)) ? true : undefined));
        expect(tablesOf(seen(await looker().look(pid)))).toMatchObject({ in_use: 11, empty: { max: 0 } });
      });
    },
  );

  test("20 TiB reserved beside a few tables, in a moment", async () => {
    const script = ["map 0 80M", "touch 0 80M stride=2M", "dontneed_step 0 80M 1M", "map 1T 20T none"];
    await held(script, async (pid) => {
      const look = seen(await looker().look(pid));
      const { empty, upper } = tablesOf(look);
      expect(look.before.virtKb).toBeGreaterThan(20 * 2 ** 30);
      expect(empty.min).toBeLessThanOrEqual(40);
      expect(empty.max).toBeGreaterThanOrEqual(40);
      if (look.means === "exact") expect([empty, upper.min]).toEqual([{ min: 40, estimate: 40, max: 40 }, upper.max]);
    });
  });

  test("processes that end while they are looked at, and goes on", async () => {
    let ended = 0;
    for (let i = 0; i < 12; i++) {
      const made = new KernelAnswers(startProbe("whole"));
      await made.hold(["map 0 64G", "touch 0 64G r stride=2M", "dontneed_step 0 64G 1M"]);
      const probe = made.pid;
      const looking = looker().look(probe);
      for (let turn = 0; turn < i * 3; turn++) await new Promise((done) => setImmediate(done));
      process.kill(probe, "SIGKILL");
      const look = await looking;
      if (isLook(look)) {
        const { empty } = tablesOf(look);
        expect(empty.min).toBeLessThanOrEqual(2 ** 15);
        expect(empty.min).toBeLessThanOrEqual(empty.estimate);
        expect(empty.estimate).toBeLessThanOrEqual(empty.max);
      } else {
        ended++;
        expect(["gone", "no memory"]).toContain(look.why);
      }
      await made.close().catch(() => undefined);
    }
    expect(ended).toBeGreaterThan(0);
    expect(isLook(await looker().look(process.pid))).toBe(true);
  });

  test("a process that execs again and again", async () => {
    const script = join(folder, "again.sh");
    writeFileSync(script, `exec sh ${JSON.stringify(script)}\n`);
    const child = start("sh", [script]);
    for (let i = 0; i < 40; i++) {
      const look = await looker().look(child.pid ?? 0);
      if (!isLook(look)) throw new Error(look.why);
      const { empty, upper } = tablesOf(look);
      expect(empty.min).toBeLessThanOrEqual(empty.estimate);
      expect(empty.estimate).toBeLessThanOrEqual(empty.max);
      // It never has so many.
      expect(empty.min).toBeLessThanOrEqual(8);
      expect(upper.min).toBeLessThanOrEqual(upper.max);
    }
  });

  testIf(root ? null : "unshare needs root", "a process in a pid name space of its own", async () => {
    const outer = spawn("unshare", ["--pid", "--fork", "--kill-child", PROBE_PATH, "conform", "--mode", "sync"], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    children.push(outer);
    const script = ["map 0 40M", "touch 0 40M stride=2M", "dontneed_step 0 40M 1M"];
    for (const line of script) outer.stdin.write(`${lower(line, line)}\n`);
    for (let lines = 0; lines < 3; ) lines += String((await once(outer.stdout, "data"))[0]).split("\n").length - 1;
    const inner = await until(() => childrenOf(outer.pid ?? 0)[0]?.pid);
    const look = seen(await looker().look(inner));
    expect(look.name).toBe("reclaim-probe");
    expect(tablesOf(look).empty).toMatchObject({ estimate: 20 });
  });

  test("a zombie", async () => {
    const child = start("sh", ["-c", "true & exec sleep 600"]);
    const zombie = await until(() => childrenOf(child.pid ?? 0).find(({ state }) => state === "Z")?.pid);
    expect(await looker().look(zombie)).toMatchObject({ why: "no memory" });
  });

  testIf(
    readFileSync("/proc/2/cmdline", "utf8") === "" && text("/proc/2/comm").trim() === "kthreadd"
      ? null
      : "no kernel threads are seen here",
    "a kernel thread",
    async () => {
      expect(await looker().look(2)).toMatchObject({ why: "no memory" });
    },
  );
});

describe("addresses of 5 levels", () => {
  test("are read and counted exactly: by arithmetic, the kernels at hand have 4", () => {
    const answers: (Look | NoLook)[] = [];
    const reader = new AnswerReader({
      onProgress: () => undefined,
      onAnswer: (answer) => answers.push({ name: "", tookMs: 0, ...answer } as Look),
    });
    /** The last windows below 2^56: two of one GiB, one of the GiB before, one 512 GiB before. */
    const top = 2 ** 56 / 2 ** 21;
    const runs = [
      [top - 262_144 - 512, 1, 2],
      [top - 1024, 1, 1],
      [top - 512, 2, 1],
    ] as const;
    const records = Buffer.alloc(16 * runs.length);
    for (const [i, [window, windows, state]] of runs.entries()) {
      records.writeBigUInt64LE(BigInt(window) | (BigInt(state) << 56n), i * 16);
      records.writeUInt32LE(windows, i * 16 + 8);
    }
    const vmpteKb = 4 * (4 + 3 + 2);
    const numbers = `${vmpteKb} 100 200 0 1`;
    reader.take(Buffer.from(`process 7\nbefore ${numbers}\npass 1\nruns ${runs.length}\n`));
    reader.take(records);
    reader.take(
      Buffer.from(
        `vma 0 80000000000000-ffffffffe00000 rw-p 00000000 00:00 0 \nspans 4194304 8192\nafter ${numbers}\nend still exact 1\n`,
      ),
    );
    const look = seen(answers[0]);
    // Three PMD tables and two PUD tables; P4D tables are none of VmPTE (mm_pgtables_bytes).
    expect(tablesOf(look)).toMatchObject({
      in_use: 1,
      upper: { min: 5, max: 5 },
      empty: { min: 3, estimate: 3, max: 3 },
    });
    expect(mappingsOf(look)[0]).toMatchObject({ start: 2 ** 55, end: 2 ** 56 - 2 ** 21, in_use: 1, empty: 3 });
  });
});
