import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { cookieFor, parseDisplay, tryDisplay } from "./display.ts";

const folders: string[] = [];
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A socket that answers so when it is spoken to; undefined: it only listens. */
async function listening(answer?: Buffer): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "reclaim-lab-display-"));
  folders.push(folder);
  const server = createServer((socket) => {
    socket.on("error", () => {});
    if (answer !== undefined) socket.once("data", () => socket.end(answer));
  });
  servers.push(server);
  const path = join(folder, "wayland-7");
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return path;
}

/** An X display on a TCP port of this machine. */
async function xServer(answer: Buffer): Promise<string> {
  for (let number = 100; number < 200; number++) {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.end(answer));
    });
    const ok = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(6000 + number, "127.0.0.1", () => resolve(true));
    });
    if (!ok) continue;
    servers.push(server);
    return `127.0.0.1:${number}`;
  }
  throw new Error("no port is free");
}

const refusal = (words: string) => {
  const text = Buffer.from(words.padEnd(Math.ceil(words.length / 4) * 4, " "));
  const head = Buffer.alloc(8);
  head.writeUInt8(words.length, 1);
  return Buffer.concat([head, text]);
};

describe.skipIf(process.platform !== "linux")("the display is tried before a window is started", () => {
  test("none is set", async () => {
    expect(await tryDisplay({})).toEqual({ switches: null, words: "neither DISPLAY nor WAYLAND_DISPLAY is set" });
  });

  test("one that is dead, or no name of one, is said so", async () => {
    expect(await tryDisplay({ DISPLAY: ":4242" })).toEqual({
      switches: null,
      words: "DISPLAY is :4242, and nothing listens there",
    });
    expect((await tryDisplay({ DISPLAY: "nonsense" })).words).toMatch(/not the name of a display/);
    expect(await tryDisplay({ WAYLAND_DISPLAY: "wayland-9", XDG_RUNTIME_DIR: "/nonexistent" })).toMatchObject({
      switches: null,
      words: expect.stringMatching(/nothing listens/),
    });
  });

  test("one that answers is taken, one that lets nobody in is not", async () => {
    const open = await xServer(Buffer.from([1, 0, 11, 0, 0, 0, 0, 0]));
    expect(await tryDisplay({ DISPLAY: open })).toEqual({ switches: [], words: open });
    const closed = await xServer(refusal("Authorization required"));
    expect(await tryDisplay({ DISPLAY: closed })).toEqual({
      switches: null,
      words: `DISPLAY is ${closed}, and it does not let this user in (Authorization required)`,
    });
  });

  test("Wayland alone is told to the window's program, also where DISPLAY is dead", async () => {
    const path = await listening();
    const wayland = { switches: ["--ozone-platform=wayland"], words: `${path} (Wayland)` };
    expect(await tryDisplay({ WAYLAND_DISPLAY: path })).toEqual(wayland);
    expect(await tryDisplay({ DISPLAY: ":4242", WAYLAND_DISPLAY: path })).toEqual(wayland);
  });
});

test("names of displays", () => {
  expect(parseDisplay(":0")).toEqual({ host: "", number: 0 });
  expect(parseDisplay("unix:1.0")).toEqual({ host: "", number: 1 });
  expect(parseDisplay("there.example:12.1")).toEqual({ host: "there.example", number: 12 });
  expect(parseDisplay("0")).toBeNull();
});

test("the cookie of a display is found in an Xauthority file, also in one that is cut off", () => {
  const counted = (text: string) => {
    const head = Buffer.alloc(2);
    head.writeUInt16BE(text.length);
    return Buffer.concat([head, Buffer.from(text, "latin1")]);
  };
  const entry = (display: string, data: string) =>
    Buffer.concat([Buffer.from([0xff, 0xff]), ...["", display, "MIT-MAGIC-COOKIE-1", data].map(counted)]);
  const file = Buffer.concat([entry("1", "one"), entry("", "any")]);
  expect(cookieFor(file, 1)?.toString()).toBe("one");
  expect(cookieFor(file, 2)?.toString()).toBe("any");
  expect(cookieFor(file.subarray(0, 20), 1)).toBeNull();
});
