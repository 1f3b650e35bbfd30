/**
 * A kernel in QEMU whose only programs are the probe and a shell: it says what it is on its first serial line and answers
 * conformance scripts on the next two, DONTNEED as it is on one and in pieces on the other.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import type { ConformingProbe } from "../../probe/conformance/kernel-answers.ts";
import { PROBE_PATH } from "../../probe/locate.ts";
import type { Dontneed } from "../../probe/modes.ts";
import { directory, initramfs, program } from "./cpio.ts";

const QEMU = "qemu-system-x86_64";
const BUSYBOX = ["/bin/busybox", "/usr/bin/busybox"];
const READY = "reclaim-lab guest is ready";
/** Until it has said what it is: emulated, a kernel takes some ten seconds, on a busy machine more. */
const PATIENCE_MS = 240_000;
/** For one script: an emulated kernel on a busy machine is a hundred times slower than this one. */
const SCRIPT_PATIENCE_MS = 600_000;
/** The lines of the two probes. */
const LINES: Readonly<Record<Dontneed, string>> = { whole: "ttyS1", pieces: "ttyS2" };

/**
 * khugepaged stays away: scripts do not wait for it. The shell holds both lines open before it says that it is ready: a serial port
 * that is opened anew drops what has arrived.
 */
const INIT = `#!/bin/sh
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mount -t devtmpfs dev /dev
echo 2000000000 >/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs
$b dmesg -n 1
/bin/reclaim-probe profile
$b stty -F /dev/${LINES.whole} raw -echo
$b stty -F /dev/${LINES.pieces} raw -echo
exec 3<>/dev/${LINES.whole} 4<>/dev/${LINES.pieces}
while :; do /bin/reclaim-probe conform --mode sync <&3 >&3; done &
while :; do /bin/reclaim-probe conform --mode none <&4 >&4; done &
echo "${READY}"
wait
`;

/** Why no kernel can be started here; null: it can. */
export function whyNoGuest(): string | null {
  const { status } = spawnSync(QEMU, ["--version"], { stdio: "ignore" });
  if (status !== 0) return `there is no ${QEMU} (Debian: qemu-system-x86)`;
  return BUSYBOX.some(existsSync) ? null : "there is no static busybox (Debian: busybox-static)";
}

function disk(): Buffer {
  const busybox = readFileSync(BUSYBOX.find(existsSync) ?? "");
  const folders = ["bin", "proc", "sys", "dev"].map(directory);
  return initramfs([
    ...folders,
    program("bin/busybox", busybox),
    program("bin/sh", busybox),
    program("bin/reclaim-probe", readFileSync(PROBE_PATH)),
    program("init", Buffer.from(INIT)),
  ]);
}

export interface Guest {
  /** What the probe said of the kernel. */
  readonly profile: string;
  /** kvm or tcg. */
  readonly accelerator: string;
  readonly probe: (dontneed: Dontneed) => ConformingProbe;
  readonly end: () => Promise<void>;
}

/** A serial line as a socket that QEMU connects to. */
async function serial(path: string): Promise<{ readonly server: Server; readonly socket: Promise<Socket> }> {
  const server = createServer();
  const socket = once(server, "connection").then(([connected]) => connected as Socket);
  socket.catch(() => undefined);
  server.listen(path);
  await once(server, "listening");
  return { server, socket };
}

/** Starts the kernel with one accelerator. Errors: Error with the last it said where it does not come up. */
async function bootWith(image: string, options: string, accelerator: "kvm" | "tcg"): Promise<Guest> {
  const folder = mkdtempSync(join(tmpdir(), "reclaim-lab-guest-"));
  writeFileSync(join(folder, "initrd"), disk());
  const lines = {
    whole: await serial(join(folder, "whole")),
    pieces: await serial(join(folder, "pieces")),
  };
  // prettier-ignore
  const words = [
    "-accel",
    accelerator,
    "-cpu",
    accelerator === "kvm" ? "host" : "max",
    "-m",
    "3072",
    "-smp",
    "1",
    "-display",
    "none",
    "-monitor",
    "none",
    "-no-reboot",
    "-nodefaults",
    "-chardev",
    "stdio,id=console,signal=off",
    "-serial",
    "chardev:console",
    "-chardev",
    `socket,id=whole,path=${join(folder, "whole")}`,
    "-serial",
    "chardev:whole",
    "-chardev",
    `socket,id=pieces,path=${join(folder, "pieces")}`,
    "-serial",
    "chardev:pieces",
    "-kernel",
    image,
    "-initrd",
    join(folder, "initrd"),
    "-append",
    `console=ttyS0 quiet panic=-1 transparent_hugepage=madvise ${options}`.trim(),
  ];
  // A guest ends with the process that started it, also where that is killed.
  const qemu = spawn("setpriv", ["--pdeathsig", "KILL", QEMU, ...words], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  const ready = Promise.withResolvers<void>();
  const failed = (why: string): void => ready.reject(new Error(`${why}; it said last: ${said.slice(-400).trim()}`));
  const listen = (chunk: Buffer): void => {
    said += chunk.toString("latin1");
    if (said.includes(READY)) ready.resolve();
    // A kernel that cannot go on says so and waits for ever.
    if (/Kernel panic|invalid opcode|KVM internal error/.test(said)) failed("the kernel does not come up");
  };
  qemu.stdout.on("data", listen);
  qemu.stderr.on("data", listen);
  qemu.once("error", (error) => failed(error.message));
  qemu.once("exit", (code, signal) => failed(`${QEMU} ended with ${signal ?? code}`));
  const late = setTimeout(() => failed(`not up after ${PATIENCE_MS / 1000} s`), PATIENCE_MS);
  const end = async (): Promise<void> => {
    await endOf(qemu);
    for (const { server, socket } of Object.values(lines)) {
      (await Promise.race([socket, Promise.resolve(undefined)]))?.destroy();
      server.close();
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await ready.promise;
    const sockets = { whole: await lines.whole.socket, pieces: await lines.pieces.socket };
    // The line stays open for the next who asks.
    const probe = (dontneed: Dontneed): ConformingProbe => {
      const socket = sockets[dontneed];
      const [input, output] = [new PassThrough(), new PassThrough()];
      input.pipe(socket, { end: false });
      socket.pipe(output);
      return {
        input,
        output,
        said: () => said.slice(said.indexOf(READY) + READY.length).trim(),
        kill: () => qemu.kill("SIGKILL"),
        patienceMs: SCRIPT_PATIENCE_MS,
        ended: async () => {
          input.unpipe(socket);
          socket.unpipe(output);
        },
      };
    };
    return { profile: said, accelerator, probe, end };
  } catch (error) {
    await end();
    throw error;
  } finally {
    clearTimeout(late);
  }
}

async function endOf(qemu: ChildProcess): Promise<void> {
  if (qemu.exitCode !== null || qemu.signalCode !== null || qemu.pid === undefined) return;
  const exit = once(qemu, "exit");
  qemu.kill("SIGKILL");
  await exit;
}

/** Starts the kernel, by KVM where that works, else emulated. `options`: more of its command line. */
export async function boot(image: string, options: string): Promise<Guest> {
  if (existsSync("/dev/kvm")) {
    const guest = await bootWith(image, options, "kvm").catch(() => null);
    if (guest !== null) return guest;
  }
  return bootWith(image, options, "tcg");
}
