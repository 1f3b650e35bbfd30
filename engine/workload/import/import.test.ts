import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { featuresOf } from "../../experiment/policies.ts";
import { createKernel } from "../../mm/kernel.ts";
import { following } from "../following.ts";
import type { Operation } from "../operation.ts";
import {
  type ImportOptions,
  ImportReport,
  importOperations,
  operationLine,
  opsHeaderLine,
  survey,
  type TextSource,
} from "./index.ts";
import { LINE_LENGTH_MAX } from "./lines.ts";
import { timeless } from "./timeless.testing.ts";

const HEAD = "app 10/10 1.000000000: PERF_RECORD_COMM exec: app:10/10";
const STACK =
  "app 10/10 1.000000001: PERF_RECORD_MMAP2 10/10: [0x7ffd00000000(0x21000) @ 0x7ffffffde000 00:00 0 0]: rw-p [stack]";
const LOADED = "app 10/10 1.000000002: syscalls:sys_exit_execve: 0x0";
const START = [HEAD, STACK, LOADED];

async function* chunks(...parts: readonly (string | Uint8Array)[]): TextSource & AsyncGenerator<string | Uint8Array> {
  yield* parts;
}

async function read(
  source: TextSource | string | readonly string[],
  options: ImportOptions = { pid: 10 },
): Promise<{ operations: Operation[]; report: ImportReport }> {
  const report = new ImportReport();
  const text = Array.isArray(source) ? `${source.join("\n")}\n` : source;
  const operations: Operation[] = [];
  const stream = typeof text === "string" ? chunks(text) : (text as TextSource);
  for await (const batch of importOperations(stream, options, report)) operations.push(...timeless(batch));
  return { operations, report };
}

/** Two lines of a call: it begins at `at` microseconds and ends 2 later. */
function call(at: number, name: string, args: string, ret: string, tid = 10): string[] {
  const time = (us: number): string => `1.${String(us).padStart(6, "0")}000`;
  return [
    `app 10/${tid} ${time(at)}: syscalls:sys_enter_${name}: ${args}`,
    `app 10/${tid} ${time(at + 2)}: syscalls:sys_exit_${name}: ${ret}`,
  ];
}

function fault(at: number, address: string, code = "0x6"): string {
  return `app 10/10 1.${String(at).padStart(6, "0")}000: exceptions:page_fault_user: address=${address} ip=0x401000 error_code=${code}`;
}

describe("perf script", () => {
  test("an exec begins an empty space; its MMAP2 records are the mappings and argv is on the stack", async () => {
    const { operations, report } = await read([
      ...START,
      // mprotect writes one too; what it says is known.
      "app 10/10 1.000000003: PERF_RECORD_MMAP2 10/10: [0x7ffd00000000(0x1000) @ 0 00:00 0 0]: r--p //anon",
    ]);
    expect(operations).toEqual([
      { op: "exec" },
      { op: "mmap", addr: 0x7ffd00000000, len: 0x21000, prot: "rw", backing: "anon", flags: ["growsdown"] },
      { op: "touch", addr: 0x7ffd00020000, len: 4096, access: "w" },
    ]);
    expect(report.problems()).toEqual([]);
  });

  test("calls act at their end with what they returned; failures do not, ENOMEM of madvise does", async () => {
    const { operations } = await read([
      ...START,
      ...call(
        10,
        "mmap",
        "addr: 0x00000000, len: 0x04000000, prot: 0x00000003, flags: 0x00028022, fd: 0xffffffff, off: 0x00000000",
        "0x7f0000000000",
      ),
      ...call(
        20,
        "mmap",
        "addr: 0x00000000, len: 0x1000, prot: 0x3, flags: 0x22, fd: 0xffffffff, off: 0x0",
        "0xfffffffffffffff4",
      ),
      fault(25, "0x7f0000001234"),
      fault(26, "0x7f0000002234", "0x4"),
      ...call(30, "madvise", "start: 0x7f0000000000, len_in: 0x00200000, behavior: 0x00000004", "0x0"),
      ...call(40, "madvise", "start: 0x7f0000000000, len_in: 0x10000000, behavior: 0x00000004", "0xfffffffffffffff4"),
      ...call(50, "madvise", "start: 0x7f0000000000, len_in: 0x00200000, behavior: 0x00000019", "0xffffffffffffffea"),
      ...call(60, "munmap", "addr: 0x7f0000000000, len: 0x00001000", "0x0"),
      ...call(
        70,
        "mremap",
        "addr: 0x7f0000200000, old_len: 0x200000, new_len: 0x400000, flags: 0x1, new_addr: 0x0",
        "0x7f1000000000",
      ),
      ...call(80, "brk", "brk: 0x00000000", "0x555555560800"),
      ...call(90, "brk", "brk: 0x555555582000", "0x555555582000"),
      ...call(95, "mprotect", "start: 0x7f0000400000, len: 0x00001000, prot: 0x00000000", "0x0"),
    ]);
    expect(operations.slice(3)).toEqual([
      { op: "mmap", addr: 0x7f0000000000, len: 0x4000000, prot: "rw", backing: "anon", flags: ["populate", "stack"] },
      { op: "touch", addr: 0x7f0000001000, len: 4096, access: "w" },
      { op: "touch", addr: 0x7f0000002000, len: 4096, access: "r" },
      { op: "madvise", addr: 0x7f0000000000, len: 0x200000, advice: "dontneed" },
      { op: "madvise", addr: 0x7f0000000000, len: 0x10000000, advice: "dontneed" },
      { op: "madvise", addr: 0x7f0000000000, len: 0x200000, advice: "collapse", answered: "EINVAL" },
      { op: "munmap", addr: 0x7f0000000000, len: 4096 },
      { op: "mremap", addr: 0x7f0000200000, len: 0x200000, newLen: 0x400000, to: 0x7f1000000000 },
      { op: "brk", addr: 0x555555560800 },
      { op: "brk", addr: 0x555555582000 },
      { op: "mprotect", addr: 0x7f0000400000, len: 4096, prot: "none" },
    ]);
  });

  test("calls that failed and may have acted say so", async () => {
    const [enomem, einval, efault] = ["0xfffffffffffffff4", "0xffffffffffffffea", "0xfffffffffffffff2"];
    const at = { addr: 0x7f0000000000, len: 0x200000 };
    const range = "start: 0x7f0000000000, len: 0x200000";
    const madvise = (advice: number): string => `start: 0x7f0000000000, len_in: 0x200000, behavior: ${advice}`;
    const { operations } = await read([
      ...START,
      ...call(10, "mprotect", `${range}, prot: 0x1`, enomem),
      ...call(12, "mprotect", `${range}, prot: 0x1`, "0xfffffffffffffff3"),
      ...call(20, "mlock", range, enomem),
      ...call(22, "mlock", range, "0xffffffffffffffff"),
      ...call(25, "mlock2", `${range}, flags: 0x1`, enomem),
      ...call(30, "munlock", range, enomem),
      ...call(40, "madvise", madvise(23), einval),
      ...call(42, "madvise", madvise(22), efault),
      ...call(45, "madvise", madvise(102), einval),
      ...call(50, "madvise", madvise(8), einval),
      ...call(55, "madvise", madvise(14), "0xfffffffffffffff5"),
    ]);
    expect(operations.slice(3)).toEqual([
      { op: "mprotect", ...at, prot: "r", answered: "ENOMEM" },
      { op: "mlock", ...at, answered: "ENOMEM" },
      { op: "mlock", ...at, onFault: true, answered: "ENOMEM" },
      { op: "munlock", ...at },
      { op: "madvise", ...at, advice: "populate_write", answered: "EINVAL" },
      { op: "madvise", ...at, advice: "populate_read" },
      { op: "madvise", ...at, advice: "guard_install", answered: "EINVAL" },
      { op: "madvise", ...at, advice: "free" },
    ]);
  });

  test("calls of threads interleave, and room that a call found had been unmapped before", async () => {
    const enter = (tid: number, us: number, rest: string): string =>
      `app 10/${tid} 1.0000${us}000: syscalls:sys_enter_${rest}`;
    const exit = (tid: number, us: number, rest: string): string =>
      `app 10/${tid} 1.0000${us}000: syscalls:sys_exit_${rest}`;
    const { operations, report } = await read([
      ...START,
      ...call(
        10,
        "mmap",
        "addr: 0x0, len: 0x400000, prot: 0x3, flags: 0x22, fd: 0xffffffff, off: 0x0",
        "0x7f0000000000",
      ),
      enter(11, 20, "munmap: addr: 0x7f0000000000, len: 0x00400000"),
      enter(12, 21, "mmap: addr: 0x00000000, len: 0x00200000, prot: 0x3, flags: 0x22, fd: 0xffffffff, off: 0x0"),
      exit(12, 22, "mmap: 0x7f0000100000"),
      exit(11, 23, "munmap: 0x0"),
      fault(30, "0x7f0000100000"),
    ]);
    expect(operations.slice(4)).toEqual([
      { op: "munmap", addr: 0x7f0000000000, len: 0x400000 },
      { op: "mmap", addr: 0x7f0000100000, len: 0x200000, prot: "rw", backing: "anon" },
      { op: "touch", addr: 0x7f0000100000, len: 4096, access: "w" },
    ]);
    expect(report.problems()).toEqual([]);
  });

  test("a fault below the stack grows it, one into nothing is a crash of the program", async () => {
    const { operations, report } = await read([
      ...START,
      fault(10, "0x7ffcffff0000"),
      fault(11, "0x10"),
      fault(12, "0x7fff00000000"),
    ]);
    expect(operations.slice(3)).toEqual([{ op: "touch", addr: 0x7ffcffff0000, len: 4096, access: "w" }]);
    expect(report.count("outside_mapping")).toBe(2);
  });

  test("children are not followed, but a vfork child runs in its parent's space until it execs", async () => {
    const { operations } = await read([
      ...START,
      "app 10/10 1.000010000: syscalls:sys_enter_clone: clone_flags: 0x00004111, newsp: 0x0, parent_tidptr: 0x0, child_tidptr: 0x0, tls: 0x0",
      "app 10/10 1.000011000: PERF_RECORD_FORK(20:20):(10:10)",
      "app 20/20 1.000012000: exceptions:page_fault_user: address=0x7ffd00001000 ip=0x401000 error_code=0x6",
      "sh 20/20 1.000013000: PERF_RECORD_COMM exec: sh:20/20",
      "sh 20/20 1.000014000: exceptions:page_fault_user: address=0x7ffd00002000 ip=0x401000 error_code=0x6",
      "app 10/10 1.000015000: syscalls:sys_exit_clone: 0x14",
      "app 10/10 1.000016000: syscalls:sys_enter_clone: clone_flags: 0x01200011, newsp: 0x0, parent_tidptr: 0x0, child_tidptr: 0x0, tls: 0x0",
      "app 10/10 1.000017000: PERF_RECORD_FORK(30:30):(10:10)",
      "app 30/30 1.000018000: exceptions:page_fault_user: address=0x7ffd00003000 ip=0x401000 error_code=0x6",
    ]);
    expect(operations.slice(3)).toEqual([{ op: "touch", addr: 0x7ffd00001000, len: 4096, access: "w" }]);
  });

  test("a process that was forked and did not exec continues its parent's address space", async () => {
    const lines = [
      ...START,
      fault(10, "0x7ffd00001000"),
      "app 10/10 1.000011000: syscalls:sys_enter_clone: clone_flags: 0x01200011, newsp: 0x0, parent_tidptr: 0x0, child_tidptr: 0x0, tls: 0x0",
      "app 10/10 1.000012000: PERF_RECORD_FORK(20:20):(10:10)",
      "app 20/20 1.000013000: syscalls:sys_exit_clone: 0x0",
      fault(14, "0x7ffd00002000"),
      "app 20/20 1.000015000: exceptions:page_fault_user: address=0x7ffd00003000 ip=0x401000 error_code=0x6",
      "app 20/20 1.000016000: PERF_RECORD_FORK(30:30):(20:20)",
      "app 30/30 1.000017000: exceptions:page_fault_user: address=0x7ffd00004000 ip=0x401000 error_code=0x4",
      "app 30/30 1.000018000: exceptions:page_fault_user: address=0x7ffd00004000 ip=0x401000 error_code=0x6",
    ];
    const { processes } = await survey(chunks(`${lines.join("\n")}\n`), new ImportReport());
    expect(processes.map(({ pid, ancestors }) => [pid, ancestors])).toEqual([
      [10, []],
      [20, [10]],
      [30, [10, 20]],
    ]);
    const { operations } = await read(lines, { pid: 30, ancestors: [10, 20] });
    expect(operations.slice(3)).toEqual([
      { op: "touch", addr: 0x7ffd00001000, len: 4096, access: "w" },
      { op: "fork" },
      { op: "touch", addr: 0x7ffd00003000, len: 4096, access: "w", process: 1 },
      { op: "fork", process: 1 },
      { op: "touch", addr: 0x7ffd00004000, len: 4096, access: "r", process: 2 },
      { op: "touch", addr: 0x7ffd00004000, len: 4096, access: "w", process: 2 },
    ]);
    const machine = following(createKernel({ features: featuresOf("sync"), image: "empty" }));
    for (const operation of operations.slice(0, 5)) machine.execute(operation);
    expect(machine.vmpteKb()).toBe(12);
    for (const operation of operations.slice(5)) machine.execute(operation);
    expect(machine.rssKb()).toBe(4 * 4);
  });

  test("names with spaces and slashes, CPU columns and padding", async () => {
    const { operations } = await read([
      "  my app/1 2/3 x    10/10      1.000000000: PERF_RECORD_COMM exec: my app/1 2/3 x:10/10",
      "  my app/1 2/3 x    10/10 [001]  1.000000001:  syscalls:sys_enter_brk: brk: 0x00000000",
      "  my app/1 2/3 x    10/10 [001]  1.000000002:   syscalls:sys_exit_brk: 0x555555560000",
    ]);
    expect(operations).toEqual([{ op: "exec" }, { op: "brk", addr: 0x555555560000 }]);
  });

  test("lost events, unknown calls and times that go back are counted with their lines", async () => {
    const { report } = await read([
      ...START,
      "app 10/10 1.000010000: PERF_RECORD_LOST lost 17",
      "app 10/10 1.000011000: syscalls:sys_enter_io_uring_setup: entries: 0x1",
      "app 10/10 0.000012000: syscalls:sys_exit_munmap: 0x0",
      "app 10/10 1.000013000: syscalls:sys_enter_munmap: addr: 0xffffffffffffffffff, len: 0x1000",
      "app 10/10 1.000014000: syscalls:sys_exit_munmap: 0x0",
      "app 10/10 1.000015000: syscalls:sys_enter_madvise: start: 0x1000, len_in: 0xffffffffffffffff, behavior: 0x4",
      "app 10/10 1.000016000: syscalls:sys_exit_madvise: 0x0",
      "what is this",
      "app 10/10 1.000017000: syscalls:sys_enter_mmap: addr: 0x0",
    ]);
    const found = Object.fromEntries(report.problems().map(({ kind, count, lines }) => [kind, { count, lines }]));
    expect(found).toEqual({
      lost: { count: 17, lines: [4] },
      unknown_event: { count: 1, lines: [5] },
      time_back: { count: 1, lines: [6] },
      unmatched_exit: { count: 1, lines: [6] },
      bad_number: { count: 2, lines: [7, 9] },
      not_understood: { count: 1, lines: [11] },
      unmatched_enter: { count: 1, lines: [12] },
    });
  });
});

describe("tracefs", () => {
  const lines = [
    "# tracer: nop",
    "#              | |           |       |   |||||     |         |",
    "            app-10      (     10) [000] .....  1739.000001: sched_process_exec: filename=/bin/app pid=10 old_pid=10",
    "            app-10      (     10) [000] .....  1739.000002: sys_execve -> 0x0",
    "            app-10      (     10) [000] d....  1739.000003: page_fault_user: address=0x7f0000201000 ip=0x401000 error_code=0x14",
    "            app-11      (     10) [000] .....  1739.000004: sys_mmap(addr: 0, len: 0x4000, prot: 3, flags: 0x22, fd: 0xffffffff, off: 0)",
    "            app-11      (     10) [000] .....  1739.000005: sys_mmap -> 0x7f3dafa8c000",
    "            app-11      (     10) [000] .....  1739.000006: sys_madvise(start: 7f3dafa8c000, len_in: 4000, behavior: 4)",
    "            app-11      (     10) [000] .....  1739.000007: sys_madvise -> 0x0",
    "CPU:1 [LOST 23 EVENTS]",
  ];

  test("the mappings of execve are assumed where they are used, and that is said", async () => {
    const { operations, report } = await read(lines);
    expect(operations).toEqual([
      { op: "exec" },
      {
        op: "mmap",
        addr: 0x7f0000200000,
        len: 0x200000,
        prot: "rwx",
        backing: "file",
        file: 1,
        offset: 0x7f0000200000,
      },
      { op: "touch", addr: 0x7f0000201000, len: 4096, access: "r" },
      { op: "mmap", addr: 0x7f3dafa8c000, len: 0x4000, prot: "rw", backing: "anon" },
      { op: "madvise", addr: 0x7f3dafa8c000, len: 0x4000, advice: "dontneed" },
    ]);
    expect(report.count("assumed_mapping")).toBe(1);
    expect(report.count("lost")).toBe(23);
  });

  test("a process is named by the first line that has its name", async () => {
    const named = (lines: readonly string[]) => survey(chunks(lines.join("\n")), new ImportReport());
    const nameless = lines.map((line, at) => (at < 6 ? line.replace("app-", "<...>-") : line));
    expect(await named(nameless)).toMatchObject({ processes: [{ pid: 10, comm: "app" }] });
    expect(await named(lines.map((line) => line.replace("app-", "<...>-")))).toMatchObject({
      processes: [{ comm: "app" }],
    });
  });

  test("a name may hold what other programs take for the end of a line", async () => {
    const odd = "a\r\u2028p";
    const trace = lines.map((line) => line.replace(/app-1/, `${odd}-1`)).join("\n");
    expect(await survey(chunks(trace), new ImportReport())).toMatchObject({ processes: [{ pid: 10, comm: odd }] });
  });

  test("a line whose time has more than nine decimals is not understood", async () => {
    const { operations, report } = await read([...lines, `${lines.at(-3)?.replace("000006", "0000060001")}`]);
    expect(operations).toHaveLength(5);
    expect(report.count("not_understood")).toBe(1);
  });

  test("an execve without a record of its own begins an empty space; what it touched anew is the new program's", async () => {
    const { operations } = await read([
      "app-10 (10) [000] ..... 1.000001: sys_mmap(addr: 0, len: 0x4000, prot: 3, flags: 0x22, fd: 0xffffffff, off: 0)",
      "app-10 (10) [000] ..... 1.000002: sys_mmap -> 0x7f0000000000",
      "app-10 (10) [000] ..... 1.000003: sys_execve(filename: 0x7f0000000000, argv: 0, envp: 0)",
      "app-10 (10) [000] ..... 1.000004: page_fault_kernel: address=0x7f0000000000 ip=strncpy error_code=0x0",
      "app-10 (10) [000] ..... 1.000005: page_fault_kernel: address=0x555500000000 ip=elf_load error_code=0x2",
      "app-10 (10) [000] ..... 1.000006: sys_execve -> 0x0",
      "app-10 (10) [000] ..... 1.000007: sys_execve(filename: 0x555500000000, argv: 0, envp: 0)",
      "app-10 (10) [000] ..... 1.000008: sys_execve -> 0xfffffffffffffffe",
    ]);
    expect(operations.map(({ op, ...rest }) => ("addr" in rest ? [op, rest.addr] : [op]))).toEqual([
      ["exec"],
      ["mmap", 0x7f0000000000],
      ["touch", 0x7f0000000000],
      ["exec"],
      ["mmap", 0x555500000000],
      ["touch", 0x555500000000],
    ]);
  });

  test("without the process column, threads are found by the clone that made them", async () => {
    const { operations } = await read([
      "app-10 [000] ..... 1.000001: sys_clone(clone_flags: 3d0f00, newsp: 7f0000000000, parent_tidptr: 0, child_tidptr: 0, tls: 0)",
      "app-10 [000] ..... 1.000002: sched_process_fork: comm=app pid=10 child_comm=app child_pid=11",
      "app-10 [000] ..... 1.000003: sys_clone -> 0xb",
      "app-11 [000] ..... 1.000004: sys_mmap(addr: 0, len: 4000, prot: 3, flags: 22, fd: ffffffff, off: 0)",
      "app-11 [000] ..... 1.000005: sys_mmap -> 0x7f3dafa8c000",
    ]);
    expect(operations).toEqual([
      { op: "exec" },
      { op: "mmap", addr: 0x7f3dafa8c000, len: 0x4000, prot: "rw", backing: "anon" },
    ]);
  });
});

describe("strace", () => {
  const lines = [
    '10 1.000001 execve("/usr/bin/app", ["app"], 0x7ffdbd62f170 /* 35 vars */) = 0',
    "10 1.000002 brk(NULL)       = 0x55e88d01a000",
    "10 1.000003 brk(0x55e88d03b000) = 0x55e88d03b000",
    "10 1.000004 mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f5025e3c000",
    "10 1.000005 clone3({flags=CLONE_VM|CLONE_FS|CLONE_THREAD|CLONE_SIGHAND, child_tid=0x7f50} <unfinished ...>",
    "11 1.000006 mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE|0x80000000, -1, 0 <unfinished ...>",
    "10 1.000007 <... clone3 resumed> => {parent_tid=[11]}, 88) = 11",
    "11 1.000008 <... mmap resumed>)            = 0x7f5000000000",
    "11 1.000009 madvise(0x7f5025e3c000, 8192, MADV_DONTNEED) = 0",
    "11 1.000010 madvise(0x7f5025e3c000, 8192, MADV_FREE) = -1 EINVAL (Invalid argument)",
    "11 1.000010 munmap(0x7f5025e3c000, 8192) = -1 ENOSYS (Function not implemented)",
    "10 1.000011 --- SIGCHLD {si_signo=SIGCHLD} ---",
    "11 1.000012 +++ exited with 0 +++",
    "10 1.000013 exit_group(0)   = ?",
  ];

  test("calls of threads, resumed ones too; without faults nothing is used", async () => {
    const { operations, report } = await read(lines);
    expect(operations).toEqual([
      { op: "exec" },
      { op: "brk", addr: 0x55e88d01a000 },
      { op: "brk", addr: 0x55e88d03b000 },
      { op: "mmap", addr: 0x7f5025e3c000, len: 8192, prot: "rw", backing: "anon" },
      { op: "mmap", addr: 0x7f5000000000, len: 4096, prot: "none", backing: "anon", flags: ["noreserve"] },
      { op: "madvise", addr: 0x7f5025e3c000, len: 8192, advice: "dontneed" },
      { op: "madvise", addr: 0x7f5025e3c000, len: 8192, advice: "free" },
    ]);
    expect(report.problems()).toEqual([]);
    expect(await survey(chunks(lines.join("\n")), new ImportReport())).toMatchObject({
      format: "strace",
      hasFaults: false,
    });
  });

  test("touch-on-map leaves reservations of address space alone", async () => {
    const { operations, report } = await read(
      [
        "mmap(NULL, 70368744177664, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE, -1, 0) = 0x100000000000",
        "mmap(NULL, 70368744177664, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x200000000000",
      ],
      { pid: 1, touchOnMap: true },
    );
    expect(operations.map(({ op }) => op)).toEqual(["exec", "mmap", "mmap"]);
    expect(report.problems()).toMatchObject([{ kind: "not_touched", count: 1, lines: [2] }]);
  });

  test("touch-on-map takes all that becomes accessible as used", async () => {
    const { operations } = await read(lines, { pid: 10, touchOnMap: true });
    expect(operations.filter(({ op }) => op === "touch")).toEqual([
      { op: "touch", addr: 0x55e88d01a000, len: 0x21000, access: "w" },
      { op: "touch", addr: 0x7f5025e3c000, len: 8192, access: "w" },
    ]);
  });

  test("touch-on-map: the heap of a program is not taken for a part of the one before it", async () => {
    const { operations } = await read(
      [
        "brk(NULL) = 0x10000000",
        "brk(0x10021000) = 0x10021000",
        'execve("/bin/true", ["true"], 0x7ffe0) = 0',
        "brk(NULL) = 0x20000000",
        "brk(0x20021000) = 0x20021000",
      ],
      { pid: 1, touchOnMap: true },
    );
    expect(operations.filter(({ op }) => op === "touch")).toEqual([
      { op: "touch", addr: 0x10000000, len: 0x21000, access: "w" },
      { op: "touch", addr: 0x20000000, len: 0x21000, access: "w" },
    ]);
  });
});

describe("ops.jsonl", () => {
  test("reads what it writes", async () => {
    const operations: Operation[] = [
      { op: "mmap", addr: 4096, len: 8192, prot: "rw", backing: "anon", flags: ["populate"] },
      { op: "touch", addr: 4096, len: 4096, access: "w" },
      { op: "fork" },
      { op: "exit" },
    ];
    const text = opsHeaderLine({ title: "x", operations: 4, follow: true }) + operations.map(operationLine).join("");
    const got = await read(text, {});
    expect(got.operations).toEqual(operations);
    expect(await survey(chunks(text), new ImportReport())).toMatchObject({ format: "ops", events: 4, follow: true });
    expect(got.report.problems()).toEqual([]);
  });

  test("bad lines are named with the reason; a newer version is refused", async () => {
    const { operations, report } = await read(
      [
        opsHeaderLine({}).trim(),
        '{"op":"touch","addr":-1,"len":1,"access":"w"}',
        '{"op":"nap"}',
        "{",
        '{"op":"munmap","addr":0,"len":1,"x":1}',
        '{"op":"fork"}',
      ],
      {},
    );
    expect(operations).toEqual([{ op: "fork" }]);
    expect(report.problems()).toEqual([
      { kind: "bad_operation", count: 4, lines: [2, 3, 4, 5], example: "addr of touch cannot be -1" },
    ]);
    await expect(read('{"format":"reclaim-lab-ops","version":2}\n', {})).rejects.toThrow("it is of version 2");
  });

  test("a file without a single operation is refused, and says what one is", async () => {
    await expect(read(`${opsHeaderLine({})}\n\nnonsense\n`, {})).rejects.toMatchObject({
      message: "it has no operation",
      why: "line 4: not JSON: nonsense",
      todo: expect.stringContaining('{"op":"touch"'),
    });
    await expect(survey(chunks(opsHeaderLine({})), new ImportReport())).rejects.toThrow("it has no operation");
    await expect(survey(chunks("\n"), new ImportReport(), "ops")).rejects.toThrow(/does not begin with the header/);
  });
});

describe("input that is damaged or meant to harm", () => {
  test("CRLF, a last line without its end, and cuts anywhere", async () => {
    const lines = [...START, ...call(10, "brk", "brk: 0x00000000", "0x555555560000")];
    const expected = (await read(lines)).operations;
    expect(expected).toHaveLength(4);
    const bytes = new TextEncoder().encode(lines.join("\r\n"));
    for (const size of [1, 7, 4096]) {
      const parts: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += size) parts.push(bytes.subarray(at, at + size));
      expect((await read(chunks(...parts))).operations).toEqual(expected);
    }
  });

  test("a line of any length is dropped in constant memory", async () => {
    async function* endless(): AsyncGenerator<string> {
      yield `${HEAD}\n`;
      for (let i = 0; i < 1000; i++) yield "A".repeat(100_000);
      yield `\n${STACK}\n`;
    }
    const { operations, report } = await read(endless());
    expect(operations).toHaveLength(3);
    expect(report.problems()).toMatchObject([{ kind: "overlong", count: 1, lines: [2] }]);
    expect(LINE_LENGTH_MAX).toBeLessThan(100_000);
  });

  test("a stream that breaks off is reported, and what came before is used", async () => {
    async function* broken(): AsyncGenerator<string> {
      yield `${HEAD}\n${STACK}\n`;
      throw new Error("unexpected end of file");
    }
    const { operations, report } = await read(broken());
    expect(operations).toHaveLength(3);
    expect(report.problems()).toMatchObject([{ kind: "truncated", example: "unexpected end of file" }]);
  });

  test.each([
    ["nothing", ""],
    ["binary junk", "\u0000\u0001\u0002\ufffd\n\u0003"],
    ["prose", "Dear reader,\nthis is no trace.\n"],
    ["still compressed", "\u001f\ufffd\b\u0000"],
  ])("%s is refused with a reason", async (_, text) => {
    await expect(read(text)).rejects.toThrow(/nothing to read|no known format|compressed/);
  });

  test("a mapping whose address is no page's is a bad number, not an operation", async () => {
    const { operations, report } = await read(
      "10 1.0 mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, 3, 0) = 0x7ffff0000f50\n",
    );
    expect(operations.map(({ op }) => op)).not.toContain("mmap");
    expect(report.count("bad_number")).toBe(1);
  });

  test("addresses of five levels of tables come out of a file of operations as they went in", async () => {
    const operation: Operation = { op: "mmap", addr: 2 ** 54 + 4096, len: 8192, prot: "rw", backing: "anon" };
    const { operations } = await read(opsHeaderLine({ title: "high" }) + operationLine(operation));
    expect(operations).toEqual([operation]);
    const beyond = operationLine({ ...operation, addr: 2 ** 60 });
    await expect(read(opsHeaderLine({ title: "high" }) + beyond)).rejects.toMatchObject({
      message: "it has no operation",
      why: "line 2: addr of mmap cannot be 1152921504606847000",
    });
  });

  test("any damage to a trace ends in operations, never in a crash", async () => {
    const base = [
      ...START,
      ...call(
        10,
        "mmap",
        "addr: 0x0, len: 0x4000000, prot: 0x3, flags: 0x22, fd: 0xffffffff, off: 0x0",
        "0x7f0000000000",
      ),
      fault(20, "0x7f0000000000"),
      ...call(
        30,
        "mremap",
        "addr: 0x7f0000000000, old_len: 0x200000, new_len: 0x400000, flags: 0x1, new_addr: 0x0",
        "0x7f1000000000",
      ),
      ...call(40, "madvise", "start: 0x7f0000000000, len_in: 0x00200000, behavior: 0x00000004", "0x0"),
      "app 10/10 1.000050000: PERF_RECORD_FORK(20:20):(10:10)",
      "app-10 (10) [000] ..... 1.000051: sys_brk(brk: 0)",
      "10 1.000052 mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, 3, 0) = 0x7f50",
    ];
    const token = fc.constantFrom(
      "0xffffffffffffffff",
      "0x",
      "-1",
      "",
      "99999999999999999999",
      "0x7fffffffffff",
      "\u0000",
      "[",
      ":",
      "/",
    );
    const edit = fc.record({ line: fc.nat(base.length - 1), at: fc.nat(120), length: fc.nat(20), token });
    const format = fc.constantFrom("perf-script", "tracefs", "strace", "ops") as fc.Arbitrary<
      "perf-script" | "tracefs" | "strace" | "ops"
    >;
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { maxLength: 8 }), format, fc.boolean(), async (edits, format, shuffle) => {
        const lines = [...base];
        for (const { line, at, length, token } of edits) {
          lines[line] = lines[line].slice(0, at) + token + lines[line].slice(at + length);
        }
        if (shuffle) lines.reverse();
        try {
          const { operations } = await read(lines, { pid: 10, format });
          const machine = createKernel({ features: featuresOf("sync"), image: "empty", files: "disk" });
          for (const operation of operations) machine.execute(operation);
          for (const operation of operations) {
            for (const value of Object.values(operation)) {
              if (typeof value === "number")
                expect(Number.isInteger(value) && value >= 0 && value <= 2 ** 56).toBe(true);
            }
          }
        } catch (error) {
          expect((error as Error).name).toBe("ImportError");
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("surveys and real traces", () => {
  const open = (name: string): TextSource =>
    createReadStream(new URL(`../testdata/traces/${name}/events.txt.gz`, import.meta.url)).pipe(createGunzip());

  test("lists the processes, the busiest first", async () => {
    const found = await survey(open("redis-default"), new ImportReport());
    expect(found).toMatchObject({ format: "perf-script", hasFaults: true, events: 35_423 });
    expect(found.processes[0]).toEqual({
      pid: 1992,
      comm: "redis-server",
      events: 35_422,
      dontneed: 680,
      threads: 6,
      startNs: 3368866372863,
      endNs: 3383667481937,
      ancestors: [],
      hidden: {},
      light: false,
      is32Bit: false,
      allocators: ["jemalloc"],
    });
  });

  test("every event of a real trace is understood", async () => {
    const report = new ImportReport();
    let faults = 0;
    let advised = 0;
    for await (const batch of importOperations(open("jemalloc-sparse"), { pid: 2781 }, report)) {
      for (const operation of batch) {
        if (operation.op === "touch") faults++;
        if (operation.op === "madvise" && operation.advice === "dontneed") advised++;
      }
    }
    expect({ faults, advised, problems: report.problems() }).toEqual({
      faults: 6829 + 9 + 3,
      advised: 242,
      problems: [],
    });
  });
});

test("what never ends a line is left after 1 GiB, at its beginning and further on", async () => {
  let read = 0;
  async function* endless(...before: readonly string[]): TextSource & AsyncGenerator<string> {
    yield* before;
    for (const zeros = "\0".repeat(1 << 20); ; read++) yield zeros;
  }
  await expect(survey(endless(), new ImportReport())).rejects.toThrow(
    /nothing to read.*a line does not end within 1 GiB/,
  );
  const report = new ImportReport();
  const line = operationLine({ op: "mmap", addr: 2 ** 32, len: 4096, prot: "rw", backing: "anon" });
  expect(await survey(endless(opsHeaderLine({}), line), report)).toMatchObject({ format: "ops" });
  expect(report.problems().map(({ kind }) => kind)).toContain("truncated");
  expect(read).toBeLessThan(2 * 1100);
});
