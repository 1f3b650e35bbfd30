/** Whether something answers where the environment says that windows are shown: X11's own greeting, Wayland's socket. */
import { existsSync, readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { homedir, hostname } from "node:os";
import { isAbsolute, join } from "node:path";

export interface Display {
  /** Switches for the window's program; null where there is no display to show a window on. */
  readonly switches: readonly string[] | null;
  /** What there is, or why it cannot be used, in words. */
  readonly words: string;
}

/** A display that takes so long answers nobody. */
const ANSWER_MS_MAX = 3000;
const X11_PORT = 6000;

interface XDisplay {
  readonly host: string;
  readonly number: number;
}

/** "host:number.screen" of DISPLAY (X(7)); a host that is empty or "unix" is this machine. */
export function parseDisplay(text: string): XDisplay | null {
  const [, host, number] = /^(?:unix\/)?([^/:]*):(\d+)(?:\.\d+)?$/.exec(text) ?? [];
  return host === undefined || number === undefined
    ? null
    : { host: host === "unix" ? "" : host, number: Number(number) };
}

/** The cookie of a display in an Xauthority file (Xau(3)): records of a family and four counted fields, big-endian. */
export function cookieFor(file: Buffer, number: number): Buffer | null {
  let at = 0;
  const counted = (): Buffer => {
    const length = file.readUInt16BE(at);
    const piece = file.subarray(at + 2, at + 2 + length);
    at += 2 + length;
    return piece;
  };
  try {
    while (at < file.length) {
      at += 2;
      const [address, display, name, data] = [counted(), counted(), counted(), counted()];
      const mine = address.length === 0 || address.toString() === hostname();
      const any = display.length === 0 || display.toString() === String(number);
      if (mine && any && name.toString() === "MIT-MAGIC-COOKIE-1") return data;
    }
  } catch {
    // It is cut off.
  }
  return null;
}

function cookie(number: number, env: NodeJS.ProcessEnv): Buffer | null {
  try {
    return cookieFor(readFileSync(env.XAUTHORITY ?? join(homedir(), ".Xauthority")), number);
  } catch {
    return null;
  }
}

const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);

/** The X protocol's first message, little-endian, version 11.0. */
function greeting(secret: Buffer | null): Buffer {
  const name = secret === null ? Buffer.alloc(0) : Buffer.from("MIT-MAGIC-COOKIE-1");
  const data = secret ?? Buffer.alloc(0);
  const head = Buffer.alloc(12);
  head.write("l", 0, "latin1");
  head.writeUInt16LE(11, 2);
  head.writeUInt16LE(name.length, 6);
  head.writeUInt16LE(data.length, 8);
  return Buffer.concat([head, padded(name), padded(data)]);
}

/** Connects, says something and gives the first bytes of the answer; throws in words. */
function ask(socket: Socket, say: Buffer | null): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      socket.destroy();
      reject(new Error(why));
    };
    socket.setTimeout(ANSWER_MS_MAX, () => fail("nobody answers there"));
    socket.once("error", (error: NodeJS.ErrnoException) =>
      fail(
        error.code === "ENOENT" || error.code === "ECONNREFUSED"
          ? "nothing listens there"
          : `it cannot be reached (${error.code ?? error.message})`,
      ),
    );
    socket.once("close", () => reject(new Error("it hangs up")));
    socket.once("connect", () => {
      if (say !== null) return void socket.write(say);
      socket.destroy();
      resolve(Buffer.alloc(0));
    });
    socket.once("data", (bytes: Buffer) => {
      socket.destroy();
      resolve(bytes);
    });
  });
}

/** Why the X display cannot be used; null where it takes us. */
async function xFault(text: string, env: NodeJS.ProcessEnv): Promise<string | null> {
  const display = parseDisplay(text);
  if (display === null) return "this is not the name of a display";
  const { host, number } = display;
  const path = `/tmp/.X11-unix/X${number}`;
  const places: (() => Socket)[] =
    host !== ""
      ? [() => connect(X11_PORT + number, host)]
      : [...(existsSync(path) ? [() => connect(path)] : []), () => connect(`\0${path}`)];
  let fault = "nothing listens there";
  for (const place of places)
    try {
      const answer = await ask(place(), greeting(cookie(number, env)));
      if (answer[0] === 1) return null;
      const reason = answer
        .subarray(8, 8 + (answer[1] ?? 0))
        .toString("latin1")
        .trim();
      fault = `it does not let this user in${reason === "" ? "" : ` (${reason})`}`;
    } catch (error) {
      if (fault === "nothing listens there") fault = error instanceof Error ? error.message : String(error);
    }
  return fault;
}

async function waylandFault(name: string, env: NodeJS.ProcessEnv): Promise<string | null> {
  const folder = env.XDG_RUNTIME_DIR ?? "";
  if (!isAbsolute(name) && folder === "") return "XDG_RUNTIME_DIR does not say where it is";
  try {
    await ask(connect(isAbsolute(name) ? name : join(folder, name)), null);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * Tries the display of an environment. X11 is taken where it answers (also under Wayland, which brings it mostly); else
 * Wayland, which the window's program has to be told of. Linux alone can be without.
 */
export async function tryDisplay(
  env: NodeJS.ProcessEnv = process.env,
  platform: string = process.platform,
): Promise<Display> {
  if (platform !== "linux") return { switches: [], words: "the system's" };
  const { DISPLAY: x = "", WAYLAND_DISPLAY: wayland = "" } = env;
  if (x === "" && wayland === "") return { switches: null, words: "neither DISPLAY nor WAYLAND_DISPLAY is set" };
  const faults: string[] = [];
  if (x !== "") {
    const fault = await xFault(x, env);
    if (fault === null) return { switches: [], words: x };
    faults.push(`DISPLAY is ${x}, and ${fault}`);
  }
  if (wayland !== "") {
    const fault = await waylandFault(wayland, env);
    if (fault === null) return { switches: ["--ozone-platform=wayland"], words: `${wayland} (Wayland)` };
    faults.push(`WAYLAND_DISPLAY is ${wayland}, and ${fault}`);
  }
  return { switches: null, words: faults.join("; ") };
}
