/** A trace of a server that forks its workers, as perf script writes it. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

const MIB = 2 ** 20;
const HEAP = 0x7f0000000000;
const SERVER = 10;

/** Writes it, and gives its path. Every worker touches memory of its own and gives some of the server's back; every third one ends. */
export async function serviceTrace(folder: string, workers: number): Promise<string> {
  let us = 0;
  const event = (pid: number, text: string): string => {
    us += 500;
    return `server ${pid}/${pid} ${1 + Math.floor(us / 1e6)}.${String(us % 1e6).padStart(6, "0")}000: ${text}`;
  };
  const fault = (pid: number, address: number): string =>
    event(pid, `exceptions:page_fault_user: address=0x${address.toString(16)} ip=0x401000 error_code=0x6`);
  const lines = [
    event(SERVER, `PERF_RECORD_COMM exec: server:${SERVER}/${SERVER}`),
    event(
      SERVER,
      `PERF_RECORD_MMAP2 ${SERVER}/${SERVER}: [0x${HEAP.toString(16)}(0x40000000) @ 0 00:00 0 0]: rw-p //anon`,
    ),
    event(SERVER, "syscalls:sys_exit_execve: 0x0"),
    ...Array.from({ length: 200 }, (_, slot) => fault(SERVER, HEAP + slot * 2 * MIB)),
  ];
  for (let nth = 0; nth < workers; nth++) {
    const pid = 100 + nth;
    lines.push(event(SERVER, `PERF_RECORD_FORK(${pid}:${pid}):(${SERVER}:${SERVER})`));
    for (let slot = 0; slot < 10 + nth; slot++) lines.push(fault(pid, HEAP + (220 + slot) * 2 * MIB));
    const half = `start: 0x${HEAP.toString(16)}, len_in: 0x${(100 * 2 * MIB).toString(16)}, behavior: 0x4`;
    lines.push(event(pid, `syscalls:sys_enter_madvise: ${half}`), event(pid, "syscalls:sys_exit_madvise: 0x0"));
    if (nth % 3 === 0) lines.push(event(pid, `PERF_RECORD_EXIT(${pid}:${pid}):(${SERVER}:${SERVER})`));
  }
  lines.push(fault(SERVER, HEAP + 300 * 2 * MIB), "");
  const path = join(folder, "service.txt");
  await writeFile(path, lines.join("\n"));
  return path;
}
