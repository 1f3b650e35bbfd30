/** The lab host as Electron main sees it: started, spoken to, watched over. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { app, utilityProcess } from "electron";
import * as v from "valibot";
import { toLabError } from "../answer.ts";
import { isRescueCall } from "../contract/rescue.ts";
import { labErrorSchema } from "../contract/shapes.ts";
import {
  type Answer,
  EVENTS,
  type EventName,
  type EventPayload,
  type HostCallName,
  isEventName,
  type LabError,
} from "../contract.ts";
import { historyFile } from "../data-folder.ts";
import { HOST_ARGUMENTS, withAllocatorSettings } from "../host/allocator.ts";
import { CHANNEL_FD, Channel } from "../host/channel.ts";
import { type FromHost, fromHostSchema, type ToHost } from "../host/messages.ts";

interface Child {
  send(message: ToHost): void;
  kill(): void;
}

interface Listeners {
  message(message: unknown): void;
  exit(code: number | null): void;
}

/** better-sqlite3 needs it; Electron 33 has 9. */
const NODE_API_NEEDED = 10;

/** What is packed in an archive cannot be read by a plain Node: it lies beside it, unpacked. */
function unpacked(path: string): string {
  return path.replace(/app\.asar(?=[\\/])/, "app.asar.unpacked");
}

/** Which Electron shows the window: the host says so in what the machine has. */
const ELECTRON = { RECLAIM_LAB_ELECTRON_VERSION: process.versions.electron ?? "" };

/** Starts the host inside Electron where it can load the database, else with a real Node. */
function startChild(file: string, folder: string, on: Listeners): Child {
  const entry = unpacked(join(import.meta.dirname, "..", "host", "host.mjs"));
  if (Number(process.versions.napi) >= NODE_API_NEEDED) {
    const child = utilityProcess.fork(entry, [file, folder], {
      serviceName: "Reclaim Lab host",
      execArgv: [...HOST_ARGUMENTS],
      env: { ...withAllocatorSettings(process.env), ...ELECTRON },
      stdio: "inherit",
    });
    child.on("message", on.message);
    child.once("exit", on.exit);
    return { send: (message) => child.postMessage(message), kill: () => child.kill() };
  }
  const { ELECTRON_RUN_AS_NODE: _run, NODE_OPTIONS: _options, ...env } = process.env;
  const program = process.platform === "win32" ? "node.exe" : "node";
  const child = spawn(
    unpacked(join(app.getAppPath(), "node_modules", "node", "bin", program)),
    [...HOST_ARGUMENTS, entry, file, folder],
    {
      env: { ...withAllocatorSettings(env), ...ELECTRON },
      stdio: ["ignore", "inherit", "inherit", "pipe"],
    },
  );
  const channel = new Channel(child.stdio[CHANNEL_FD] as Duplex);
  channel.listen(on.message);
  child.once("error", (error) => console.error("lab host:", error));
  child.once("exit", (code) => on.exit(code));
  return { send: (message) => channel.send(message), kill: () => void child.kill() };
}

export interface HostProcess {
  call(name: HostCallName, params: unknown): Promise<Answer<unknown>>;
  /** Closes the file in order and ends the process; resolves when it is gone, or after the patience is over. */
  close(patienceMs: number): Promise<void>;
}

export type TellEvent = <N extends EventName>(name: N, payload: EventPayload<N>) => void;

const GONE: LabError = {
  name: "HostGone",
  message: "The lab's background process is gone",
  why: "it died, and died again after it was restarted",
  todo: "Quit and start Reclaim Lab again; every sample but the last second's is in the history",
};

/** A host that lived this long before it died is restarted again; one that dies sooner is not. */
const LIVED_MS_MIN = 60_000;

/** Starts the host over the history that the data folder says is used, and keeps it going. */
export function superviseHost(folder: string, tell: TellEvent): HostProcess {
  const waiting = new Map<number, (answer: Answer<unknown>) => void>();
  let nextId = 1;
  let child: Child | undefined;
  let open = Promise.withResolvers<LabError | null>();
  let closing = false;
  let startedAt = 0;
  let restarts = 0;
  const gone = Promise.withResolvers<void>();

  function start(): void {
    startedAt = performance.now();
    try {
      child = startChild(historyFile(folder), folder, { message: receive, exit: ended });
    } catch (error) {
      // Which history is used cannot be read.
      fail(toLabError(error));
    }
  }

  function receive(message: unknown): void {
    const checked = v.safeParse(fromHostSchema, message);
    if (!checked.success) {
      console.error("lab host: a message that is not one", message);
      return;
    }
    const said: FromHost = checked.output;
    if (said.kind === "ready") {
      if (!Number.isFinite(restarts)) restarts = 0;
      settle(null);
    } else if (said.kind === "unable") fail(v.is(labErrorSchema, said.error) ? said.error : toLabError(said.error));
    else if (said.kind === "answer") {
      waiting.get(said.id)?.(said.answer as Answer<unknown>);
      waiting.delete(said.id);
    } else tellChecked(said.name, said.payload);
  }

  function tellChecked(name: string, payload: unknown): void {
    if (!isEventName(name)) {
      console.error("lab host: an unknown event", name);
      return;
    }
    const checked = v.safeParse(EVENTS[name], payload);
    if (checked.success) tell(name, checked.output as never);
    else console.error("lab host: an event that is not valid", name, checked.issues[0]?.message);
  }

  /** Whether the history is open; what was said of it before no longer holds. */
  function settle(failure: LabError | null): void {
    const before = open;
    open = Promise.withResolvers();
    open.resolve(failure);
    before.resolve(failure);
  }

  function fail(error: LabError): void {
    restarts = Number.POSITIVE_INFINITY;
    settle(error);
    tell("host.failed", error);
  }

  function ended(code: number | null): void {
    child = undefined;
    const why = `the lab host ended${code === null ? "" : ` with exit code ${code}`}`;
    for (const answer of waiting.values())
      answer({ error: { name: "HostGone", message: "The lab's background process died", why, todo: "Try again" } });
    waiting.clear();
    if (closing) {
      gone.resolve();
      return;
    }
    if (performance.now() - startedAt >= LIVED_MS_MIN) restarts = 0;
    if (restarts >= 1) {
      if (Number.isFinite(restarts)) fail(GONE);
      return;
    }
    restarts++;
    open = Promise.withResolvers();
    start();
    void open.promise.then((error) => {
      if (error === null) tell("host.restarted", { reason: why });
    });
  }

  start();
  return {
    async call(name, params) {
      const error = await open.promise;
      if (error !== null && !isRescueCall(name)) return { error };
      // It died for good: whoever asks what can be done wants it back.
      if (child === undefined && isRescueCall(name)) start();
      const to = child;
      if (to === undefined) return { error: GONE };
      const id = nextId++;
      const { promise, resolve } = Promise.withResolvers<Answer<unknown>>();
      waiting.set(id, resolve);
      to.send({ id, name, params });
      return promise;
    },
    async close(patienceMs) {
      closing = true;
      if (child === undefined) return;
      const patience = setTimeout(() => {
        child?.kill();
        gone.resolve();
      }, patienceMs);
      void open.promise.then((error) => {
        if (error !== null) return child?.kill();
        waiting.set(0, () => child?.kill());
        child?.send({ id: 0, name: "host.close", params: undefined });
      });
      await gone.promise;
      clearTimeout(patience);
    },
  };
}
