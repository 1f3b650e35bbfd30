import { expect, test } from "vitest";
import { ImportReport, survey } from "../../engine/workload/import/index.ts";
import { chooseProcess } from "./choose.ts";

async function processes(...lines: readonly string[]) {
  async function* source(): AsyncGenerator<string> {
    yield `${lines.join("\n")}\n`;
  }
  return (await survey(source(), new ImportReport())).processes;
}

function program(pid: number, faults: number, address: string, calls: readonly string[] = []): string[] {
  const at = `app ${pid}/${pid} 1.000000000:`;
  return [
    `${at} syscalls:sys_enter_execve: filename: 0x1, argv: 0x2, envp: 0x3`,
    `${at} PERF_RECORD_COMM exec: app:${pid}/${pid}`,
    `${at} syscalls:sys_exit_execve: 0x0`,
    ...calls.map((call) => `${at} ${call}`),
    ...Array<string>(faults).fill(`${at} exceptions:page_fault_user: address=${address} ip=0x401000 error_code=0x6`),
  ];
}

test("the busiest process is taken, or the one asked for; another is refused with what there is", async () => {
  const found = await processes(...program(10, 5, "0x7f0000000000"), ...program(20, 9, "0x7f0000000000"));
  expect(chooseProcess("t.txt", found, undefined).pid).toBe(20);
  expect(chooseProcess("t.txt", found, 10).pid).toBe(10);
  expect(() => chooseProcess("t.txt", found, 30)).toThrow("There is no process 30 in it");
  expect(() => chooseProcess("t.txt", [], undefined)).toThrow("It has no event of any process");
});

test("a 32-bit program is refused: its calls are not in a trace", async () => {
  const found = await processes(...program(10, 9, "0x804a000"));
  expect(() => chooseProcess("t.txt", found, undefined)).toThrow("Process 10 (app) is a 32-bit program");
  // A static program at the same addresses has calls; one with a stack above 4 GiB has 64 bits.
  const brk = ["syscalls:sys_enter_brk: brk: 0x00000000", "syscalls:sys_exit_brk: 0x804b000"];
  const others = await processes(...program(20, 9, "0x804a000", brk), ...program(30, 9, "0x7ffd00000000"));
  expect(others.map(({ is32Bit }) => is32Bit)).toEqual([false, false]);
});
