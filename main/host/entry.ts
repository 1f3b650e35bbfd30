/**
 * The lab host's own process: started with the history file and the data folder as its arguments by Electron main, either as a utility
 * process (where it finds process.parentPort) or as a Node of its own with a pipe. It ends when the other side is gone.
 */
import { Socket } from "node:net";
import * as v from "valibot";
import { ReclaimLabError } from "../../engine/error.ts";
import { toLabError } from "../answer.ts";
import { CALLS, type HostCallName, isCallName } from "../contract.ts";
import { keepAllocatorSettings } from "./allocator.ts";
import { isChecking } from "./background-check.ts";
import { CHANNEL_FD, Channel } from "./channel.ts";
import { openDesk } from "./desk.ts";
import { type FromHost, toHostSchema } from "./messages.ts";
import { keepWorkersReady } from "./workers.ts";

/** Both modes of an experiment. */
const READY_WORKERS = 2;
const READY_AFTER_MS = 200;

interface ParentPort {
  postMessage(message: unknown): void;
  on(event: "message", listener: (event: { data: unknown }) => void): void;
}

const parentPort = (process as { parentPort?: ParentPort }).parentPort;
const channel = parentPort === undefined ? new Channel(new Socket({ fd: CHANNEL_FD })) : undefined;

function send(message: FromHost): void {
  if (parentPort !== undefined) parentPort.postMessage(message);
  else channel?.send(message);
}

function log(error: unknown): void {
  console.error("lab host:", error);
}

function isHostCall(name: string): name is HostCallName {
  return isCallName(name) && CALLS[name].answeredBy === "host";
}

async function main(): Promise<void> {
  keepAllocatorSettings();
  const file = process.argv[2];
  if (file === undefined) throw new ReclaimLabError("The lab host was started without a history file");
  const desk = openDesk({
    file,
    folder: process.argv[3] ?? null,
    emit: (name, payload) => send({ kind: "event", name, payload }),
    log,
    tell: (failure) => send(failure === null ? { kind: "ready" } : { kind: "unable", error: failure }),
  });

  const receive = async (message: unknown) => {
    const checked = v.safeParse(toHostSchema, message);
    if (!checked.success) return log(new Error(`a message that is not one: ${JSON.stringify(message)?.slice(0, 200)}`));
    const { id, name, params } = checked.output;
    if (!isHostCall(name)) return log(new Error(`a call that is not the host's: ${name}`));
    send({ kind: "answer", id, answer: await desk.call(name, params) });
  };

  const leave = () =>
    void Promise.all([desk.close(), keepWorkersReady(0)]).finally(() => {
      // All is stored; a look at a big history in its midst would only keep the process.
      if (isChecking()) process.kill(process.pid, "SIGKILL");
      else process.exit(0);
    });
  parentPort?.on("message", ({ data }) => void receive(data));
  channel?.listen((message) => void receive(message), leave);
  process.once("SIGTERM", leave);
  // The terminal's Ctrl-C goes to the whole group; main closes the lab in order.
  process.on("SIGINT", () => {});
  // While the window draws itself: begun later they are not there for a Run at once, begun at once they hold up the launch.
  setTimeout(() => {
    desk.getReady().catch(log);
    void keepWorkersReady(READY_WORKERS);
  }, READY_AFTER_MS).unref();
}

main().catch((error: unknown) => {
  if (!(error instanceof ReclaimLabError)) log(error);
  send({ kind: "unable", error: toLabError(error) });
  setTimeout(() => process.exit(1), 100);
});
