/** Mappings that no mmap made, calls whose arguments are behind pointers, and processes that share an address space. */
import { describe, expect, test } from "vitest";
import type { Operation } from "../operation.ts";
import { ImportReport, importOperations, survey } from "./index.ts";
import { timeless } from "./timeless.testing.ts";

const START = [
  "app 10/10 1.000000000: PERF_RECORD_COMM exec: app:10/10",
  "app 10/10 1.000000001: PERF_RECORD_MMAP2 10/10: [0x7ffd00000000(0x21000) @ 0x7ffffffde000 00:00 0 0]: rw-p [stack]",
  "app 10/10 1.000000002: syscalls:sys_exit_execve: 0x0",
];

/** What follows the exec and its stack. */
async function replay(...lines: readonly string[]): Promise<{ operations: Operation[]; report: ImportReport }> {
  const report = new ImportReport();
  async function* source(): AsyncGenerator<string> {
    yield `${[...START, ...lines].join("\n")}\n`;
  }
  const operations: Operation[] = [];
  for await (const batch of importOperations(source(), { pid: 10 }, report)) operations.push(...timeless(batch));
  return { operations: operations.slice(3), report };
}

function at(us: number, text: string, task = "10/10"): string {
  return `app ${task} 1.${String(us).padStart(6, "0")}000: ${text}`;
}

function fault(us: number, address: string, task = "10/10"): string {
  return at(us, `exceptions:page_fault_user: address=${address} ip=0x401000 error_code=0x6`, task);
}

const SEGMENT = "PERF_RECORD_MMAP2 10/10: [0x7f0000000000(0x1000000) @ 0 00:01 32768 0]: rw-s /SYSV00000000 (deleted)";
const MAPPED = {
  op: "mmap",
  addr: 0x7f0000000000,
  len: 0x1000000,
  prot: "rw",
  backing: "sharedfile",
  file: 1,
  offset: 0,
  shmem: true,
} as const;
const UNMAPPED = { op: "munmap", addr: 0x7f0000000000, len: 0x1000000 } as const;

describe("mappings that no mmap made", () => {
  test("shmat maps what its record says, shmdt unmaps all of it", async () => {
    const { operations, report } = await replay(
      at(1, "syscalls:sys_enter_shmat: shmid: 0x8000, shmaddr: 0x00000000, shmflg: 0x00000000"),
      at(2, SEGMENT),
      at(3, "syscalls:sys_exit_shmat: 0x7f0000000000"),
      at(4, "syscalls:sys_enter_shmdt: shmaddr: 0x7f0000000000"),
      at(5, "syscalls:sys_exit_shmdt: 0x0"),
    );
    expect(operations).toEqual([MAPPED, UNMAPPED]);
    expect(report.problems()).toEqual([]);
  });

  test("where the trace has no shmat the record alone maps it; a mapping in its place ends it whole", async () => {
    const { operations, report } = await replay(
      at(1, SEGMENT),
      fault(2, "0x7f0000200000"),
      at(3, "syscalls:sys_enter_mmap: addr: 0, len: 0x1000, prot: 0x3, flags: 0x22, fd: 0xffffffff, off: 0"),
      at(4, "syscalls:sys_exit_mmap: 0x7f0000fff000"),
    );
    expect(operations).toEqual([
      MAPPED,
      { op: "touch", addr: 0x7f0000200000, len: 4096, access: "w" },
      UNMAPPED,
      { op: "mmap", addr: 0x7f0000fff000, len: 0x1000, prot: "rw", backing: "anon" },
    ]);
    expect(report.count("found_mapping")).toBe(1);
  });

  test("io_setup's ring goes with io_destroy; in a trace without records its length is not known", async () => {
    const enter = at(1, "syscalls:sys_enter_io_setup: nr_reqs: 0x80, ctxp: 0x7ffd00020ff8");
    const exit = at(3, "syscalls:sys_exit_io_setup: 0x0");
    const { operations } = await replay(
      enter,
      at(2, "PERF_RECORD_MMAP2 10/10: [0x7f0000000000(0x1000000) @ 0 00:0e 9 0]: rw-s /[aio] (deleted)"),
      exit,
      at(4, "syscalls:sys_enter_io_destroy: ctx: 0x7f0000000000"),
      at(5, "syscalls:sys_exit_io_destroy: 0x0"),
    );
    expect(operations).toEqual([{ ...MAPPED, shmem: undefined }, UNMAPPED]);
    const without = await replay(enter, exit);
    expect(without.operations).toEqual([]);
    expect(without.report.count("not_modelled")).toBe(1);
  });

  test("a mapping made with MAP_GROWSDOWN grows like the stack", async () => {
    const { operations, report } = await replay(
      at(1, "syscalls:sys_enter_mmap: addr: 0x7f0000100000, len: 0x1000, prot: 0x3, flags: 0x132, fd: -1, off: 0"),
      at(2, "syscalls:sys_exit_mmap: 0x7f0000100000"),
      fault(3, "0x7f00000f0000"),
      fault(4, "0x7effff000000"),
    );
    expect(operations.map(({ op }) => op)).toEqual(["mmap", "touch", "touch"]);
    expect(operations[0]).toMatchObject({ flags: ["growsdown"] });
    expect(report.problems()).toEqual([]);
  });

  test("a growing mapping goes on growing where mremap moves or cuts it, and under the part that is left", async () => {
    const { operations, report } = await replay(
      at(1, "syscalls:sys_enter_mmap: addr: 0x7f0000100000, len: 0x8000, prot: 0x3, flags: 0x132, fd: -1, off: 0"),
      at(2, "syscalls:sys_exit_mmap: 0x7f0000100000"),
      at(3, "syscalls:sys_enter_mremap: addr: 0x7f0000100000, old_len: 0x8000, new_len: 0x4000, flags: 0, new_addr: 0"),
      at(4, "syscalls:sys_exit_mremap: 0x7f0000100000"),
      fault(5, "0x7f00000ff000"),
      at(6, "syscalls:sys_enter_mremap: addr: 0x7f0000100000, old_len: 0x1000, new_len: 0x9000, flags: 1, new_addr: 0"),
      at(7, "syscalls:sys_exit_mremap: 0x7f0000300000"),
      fault(8, "0x7f00002ff000"),
      fault(9, "0x7f0000308000"),
      fault(10, "0x7f0000100000"),
      fault(11, "0x7f0000309000"),
    );
    const touched = operations.flatMap((each) => (each.op === "touch" ? [each.addr] : []));
    expect(touched).toEqual([0x7f00000ff000, 0x7f00002ff000, 0x7f0000308000, 0x7f0000100000]);
    expect(report.problems()).toMatchObject([{ kind: "outside_mapping", count: 1, example: "address 0x7f0000309000" }]);
  });

  test("once growth was seen recorded, an access below that has no record is a signal (beyond RLIMIT_STACK)", async () => {
    const grown = (us: number, start: string, len: string, task = "10/10"): string =>
      at(
        us,
        `PERF_RECORD_MMAP2 10/${task.slice(3)}: [0x${start}(0x${len}) @ 0x7ffffffde000 00:00 0 0]: rw-p [stack]`,
        task,
      );
    const { operations, report } = await replay(
      // Two threads in faults at once: each is judged by its own record.
      fault(1, "0x7ffcfffff010"),
      grown(2, "7ffcfffff000", "22000"),
      fault(3, "0x7ffcffffe010"),
      fault(4, "0x7ffcf0000000", "10/11"),
      grown(5, "7ffcffffe000", "23000"),
      fault(6, "0x7ffd00001000", "10/11"),
      fault(7, "0x7ffcffff0000", "10/11"),
      grown(8, "7ffcffff0000", "31000", "10/11"),
      fault(9, "0x7ffcffff1000"),
    );
    const touched = operations.map((each) => (each.op === "touch" ? each.addr : 0));
    expect(touched).toEqual([0x7ffcfffff000, 0x7ffcffffe000, 0x7ffd00001000, 0x7ffcffff0000, 0x7ffcffff1000]);
    expect(report.problems()).toMatchObject([{ kind: "outside_mapping", count: 1, example: "address 0x7ffcf0000000" }]);
  });

  test("remap_file_pages maps another part of the same file, populated", async () => {
    const { operations } = await replay(
      at(
        1,
        "syscalls:sys_enter_remap_file_pages: start: 0x7f0000000000, size: 0x1000000, prot: 0, pgoff: 0x800, flags: 0",
      ),
      at(2, "PERF_RECORD_MMAP2 10/10: [0x7f0000000000(0x1000000) @ 0x800000 00:01 7 0]: rw-s /memfd:r (deleted)"),
      at(3, "syscalls:sys_exit_remap_file_pages: 0x0"),
    );
    expect(operations).toEqual([{ ...MAPPED, offset: 0x800000, flags: ["populate"] }]);
  });
});

test("files in memory are told by the names that the kernel gives them", async () => {
  const mapped = async (name: string) => {
    const { operations } = await replay(
      at(1, "syscalls:sys_enter_mmap: addr: 0, len: 0x1000000, prot: 0x3, flags: 0x2, fd: 3, off: 0"),
      at(2, `PERF_RECORD_MMAP2 10/10: [0x7f0000000000(0x1000000) @ 0 00:01 7 0]: rw-p ${name}`),
      at(3, "syscalls:sys_exit_mmap: 0x7f0000000000"),
    );
    return operations[0];
  };
  for (const name of [
    "/memfd:heap (deleted)",
    "/dev/shm/PostgreSQL.1",
    "/SYSV0052e2c1 (deleted)",
    "/dev/zero (deleted)",
  ])
    expect(await mapped(name)).toMatchObject({ backing: "file", shmem: true });
  for (const name of ["/dev/zero", "/home/a/memfd:heap", "/usr/lib/libc.so.6", "/dev/shmem/x"])
    expect(await mapped(name)).not.toHaveProperty("shmem");
});

test("mlockall and munlockall say what they lock", async () => {
  const { operations } = await replay(
    at(1, "syscalls:sys_enter_mlockall: flags: 0x00000003"),
    at(2, "syscalls:sys_exit_mlockall: 0x0"),
    at(3, "syscalls:sys_enter_mlockall: flags: 0x00000006"),
    at(4, "syscalls:sys_exit_mlockall: 0x0"),
    at(5, "syscalls:sys_enter_munlockall: "),
    at(6, "syscalls:sys_exit_munlockall: 0x0"),
  );
  expect(operations).toEqual([
    { op: "mlockall", current: true, future: true },
    { op: "mlockall", future: true, onFault: true },
    { op: "mlockall" },
  ]);
});

describe("calls on ranges behind pointers", () => {
  test("are counted with what is known of them", async () => {
    const { operations, report } = await replay(
      at(1, "syscalls:sys_enter_process_madvise: pidfd: 3, vec: 0x7ffd00020000, vlen: 2, behavior: 4, flags: 0"),
      at(2, "syscalls:sys_exit_process_madvise: 0xe00000"),
      at(3, "syscalls:sys_enter_userfaultfd: flags: 0x00000001"),
      at(4, "syscalls:sys_exit_userfaultfd: 0x4"),
      at(5, "syscalls:sys_enter_ioctl: fd: 0x4, cmd: 0xc028aa03, arg: 0x7ffd00020000"),
      at(6, "syscalls:sys_enter_ioctl: fd: 0x1, cmd: 0x5401, arg: 0x7ffd00020000"),
    );
    expect(operations).toEqual([]);
    expect(report.problems()).toMatchObject([
      { kind: "hidden_ranges", count: 3, example: "process_madvise dontneed of 14680064 bytes in 2 ranges" },
    ]);
  });

  test("are listed with the process, before it is run", async () => {
    const report = new ImportReport();
    async function* source(): AsyncGenerator<string> {
      yield `${at(1, "syscalls:sys_enter_userfaultfd: flags: 1")}\n`;
      yield `${at(2, "syscalls:sys_enter_ioctl: fd: 0x4, cmd: 0xc020aa00, arg: 0x7ffd00020000")}\n`;
      yield `${at(3, "syscalls:sys_enter_ioctl: fd: 0x1, cmd: 0x5401, arg: 0x7ffd00020000")}\n`;
    }
    const { processes } = await survey(source(), report);
    expect(processes[0].hidden).toEqual({ userfaultfd: 1, UFFDIO_REGISTER: 1 });
    expect(report.count("hidden_ranges")).toBe(2);
  });

  test("names of mappings and huge pages switched off are not modelled", async () => {
    const { report } = await replay(
      at(
        1,
        "syscalls:sys_enter_prctl: option: 0x53564d41, arg2: 0, arg3: 0x7f0000000000, arg4: 0x1000, arg5: 0x401000",
      ),
      at(2, "syscalls:sys_exit_prctl: 0x0"),
      at(3, "syscalls:sys_enter_prctl: option: 0x29, arg2: 0x1, arg3: 0, arg4: 0, arg5: 0"),
      at(4, "syscalls:sys_exit_prctl: 0x0"),
      at(5, "syscalls:sys_enter_prctl: option: 0xf, arg2: 0x401000, arg3: 0, arg4: 0, arg5: 0"),
      at(6, "syscalls:sys_exit_prctl: 0x0"),
    );
    expect(report.problems()).toMatchObject([{ kind: "not_modelled", count: 2 }]);
  });
});

describe("the child of a clone3, whose flags are behind a pointer", () => {
  const MMAP = [
    at(1, "syscalls:sys_enter_mmap: addr: 0, len: 0x1000000, prot: 0x3, flags: 0x22, fd: -1, off: 0"),
    at(2, "syscalls:sys_exit_mmap: 0x7f0000000000"),
    at(3, "syscalls:sys_enter_clone3: uargs: 0x7ffd00020000, size: 0x58"),
    at(4, "PERF_RECORD_FORK(11:11):(10:10)"),
  ];

  test("runs in its parent's address space as long as the parent waits for it", async () => {
    const { operations } = await replay(...MMAP, fault(5, "0x7f0000000000", "11/11"));
    expect(operations.map(({ op }) => op)).toEqual(["mmap", "touch"]);
  });

  test("has its own where the parent goes on before it", async () => {
    const { operations } = await replay(
      ...MMAP,
      at(5, "syscalls:sys_exit_clone3: 0xb"),
      fault(6, "0x7f0000000000", "11/11"),
    );
    expect(operations.map(({ op }) => op)).toEqual(["mmap"]);
  });
});

test("an access to what is no user address is no bad number: the program got a signal", async () => {
  const { operations, report } = await replay(fault(1, "0xffffffffffffffff"), fault(2, "0xffff888000000000"));
  expect(operations).toEqual([]);
  expect(report.problems()).toMatchObject([
    { kind: "outside_mapping", count: 2, example: "address 0xffffffffffffffff" },
  ]);
});
