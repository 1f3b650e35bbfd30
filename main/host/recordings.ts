/** Recordings for the window: the captures of the command line, one at a time, in a folder of the lab's own. */
import { rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { makeFolders } from "../../db/folders.ts";
import { BadInputError, ReclaimLabError } from "../../engine/error.ts";
import { formatCount } from "../../engine/experiment/format.ts";
import { DEFAULT_BASELINE, SERIES_POLICY } from "../../engine/experiment/policies.ts";
import { exitWords } from "../../engine/experiment/trial.ts";
import { attach, DEFAULT_LIGHT_MS } from "../../probe/attach.ts";
import { capture } from "../../probe/capture.ts";
import { captureMeans } from "../../probe/capture-means.ts";
import { detect } from "../../probe/detect.ts";
import { type Missing, missingInWords } from "../../probe/launched.ts";
import { nameOfProcess } from "../../probe/processes.ts";
import { costInWords } from "../../probe/recording-cost.ts";
import { toLabError } from "../answer.ts";
import type { Launch, Recording } from "../contract/record.ts";
import type { EventPayload, Handlers, LabCallName } from "../contract.ts";
import type { Emit } from "./emit.ts";
import type { Files } from "./files.ts";
import { RecordLine } from "./record-line.ts";
import { commandOf, environmentOf } from "./typed-command.ts";

type Names = Extract<LabCallName, `record.${string}`>;

const TELL_MS = 300;
const INTERVAL_US = 2000;
/** A record does not grow larger than this. */
const MAX_MB = 4096;
/** A lab that closes waits so long for what it was recording; guards clean up what is left then. */
const CLOSING_MS = 8000;

class RecordingError extends ReclaimLabError {
  override readonly name: string = "RecordingError";
}

interface UnderWay {
  readonly name: string;
  readonly how: Recording["how"];
  readonly folder: string;
  readonly line: RecordLine;
  readonly began: number;
  readonly controller: AbortController;
  phase: Recording["phase"];
  over: Promise<void>;
}

/** What a finished recording has to say of itself. */
interface Recorded extends Missing {
  readonly events: number;
  readonly lost: number;
  readonly exitCode?: number;
  /** Processes that the program left running. */
  readonly left?: readonly number[];
  /** Null: it was recorded with what has no measure of that. */
  readonly cost: Parameters<typeof costInWords>[0] | null;
}

export interface Recordings {
  readonly handlers: Handlers<Names>;
  /** Ends what is recorded; nothing of it stays. */
  close(): Promise<void>;
}

/** `history`: the history's file; recordings lie beside it. */
export function createRecordings(history: string, files: Files, emit: Emit): Recordings {
  let current: UnderWay | undefined;
  let ticking: NodeJS.Timeout | undefined;
  let closed = false;
  let mode: Recording["mode"] | undefined;

  function modeHere(): Recording["mode"] {
    const kernel = detect();
    return kernel.available && kernel.reclaims ? SERIES_POLICY : DEFAULT_BASELINE;
  }

  function state(): Recording | null {
    if (current === undefined) return null;
    const { name, how, phase, line, began } = current;
    mode ??= modeHere();
    return { name, how, phase, mode, elapsedMs: performance.now() - began, line: [...line.points] };
  }

  function tick(): void {
    current?.line.follow();
    // Of a running process it is told when all of what it is has been found.
    if (current?.how === "launch" && current.phase === "starting" && current.line.points.length > 0)
      current.phase = "recording";
    emit("record.changed", state());
  }

  /** What is recorded ends, or has ended: what there is of it is written down. */
  function finish(job: UnderWay): void {
    job.phase = "finishing";
    if (!closed) tick();
  }

  function folderFor(name: string): string {
    const time = new Date().toISOString().slice(0, 19).replaceAll(":", "");
    const parent = join(dirname(history), "captures");
    makeFolders(parent, 0o700);
    return join(parent, `${name.replaceAll(/[^\w.-]+/g, "_").slice(0, 60)}-${time}-${process.pid}`);
  }

  function begin(name: string, how: Recording["how"], record: (job: UnderWay) => Promise<Recorded>): void {
    if (current !== undefined)
      throw new RecordingError("A recording is already in progress", {
        where: current.name,
        todo: "Stop it first",
      });
    const folder = folderFor(name);
    const job: UnderWay = {
      name,
      how,
      folder,
      line: new RecordLine(join(folder, "vmpte.txt")),
      began: performance.now(),
      controller: new AbortController(),
      phase: "starting",
      over: Promise.resolve(),
    };
    current = job;
    ticking = setInterval(tick, TELL_MS);
    tick();
    job.over = record(job)
      .then(
        async (recorded): Promise<EventPayload<"record.ended">> => ({
          kind: "recorded",
          opened: await files.open(folder, undefined),
          notes: notesOf(recorded),
          cost: recorded.cost && costInWords(recorded.cost),
        }),
      )
      .catch((error: unknown): EventPayload<"record.ended"> => {
        // What was begun is no capture.
        rmSync(folder, { recursive: true, force: true });
        return { kind: "failed", error: toLabError(error) };
      })
      .then((end) => {
        clearInterval(ticking);
        current = undefined;
        if (closed) return rmSync(folder, { recursive: true, force: true });
        emit("record.changed", null);
        emit("record.ended", end);
      });
    job.controller.signal.addEventListener("abort", () => finish(job));
  }

  function launch({ command, folder, env, stacks }: Launch): void {
    const { words, cwd } = commandOf(command, folder);
    const [program, ...args] = words;
    const environment = environmentOf(env);
    begin(basename(program), "launch", async (job) =>
      capture({
        program,
        args,
        folder: job.folder,
        stacks,
        intervalUs: INTERVAL_US,
        signal: job.controller.signal,
        onEnd: () => finish(job),
        cost: () => !closed,
        quietly: { cwd, env: environment },
      }),
    );
  }

  return {
    handlers: {
      "record.means": async () => {
        const means = await captureMeans();
        if (means.how === "perf") return { how: "perf", why: "", todo: "" };
        return { how: means.how, why: means.why, todo: means.how === null ? means.todo : "" };
      },
      "record.run": (asked) => {
        launch(asked);
        return undefined;
      },
      "record.attach": ({ pid, children, stacks, light }) => {
        const found = nameOfProcess(pid);
        if (found === null)
          throw new BadInputError(`There is no process ${pid}`, { todo: "It has exited: choose another" });
        begin(found.name, "attach", async (job) =>
          attach({
            pid,
            children,
            stacks,
            ...(light ? { lightMs: DEFAULT_LIGHT_MS } : {}),
            maxMb: MAX_MB,
            intervalUs: INTERVAL_US,
            folder: job.folder,
            signal: job.controller.signal,
            onRecording: () => {
              if (job.phase === "starting") job.phase = "recording";
            },
          }),
        );
        return undefined;
      },
      "record.stop": () => {
        if (current === undefined) return false;
        current.controller.abort();
        return true;
      },
      "record.look": () => state(),
    },
    async close() {
      closed = true;
      const job = current;
      if (job === undefined) return;
      job.controller.abort();
      let timer: NodeJS.Timeout | undefined;
      const patience = new Promise<void>((enough) => {
        timer = setTimeout(enough, CLOSING_MS);
      });
      await Promise.race([job.over, patience]);
      clearTimeout(timer);
      rmSync(job.folder, { recursive: true, force: true });
    },
  };
}

function notesOf(recorded: Recorded): string[] {
  const { events, lost, exitCode = 0, left = [] } = recorded;
  return [
    ...missingInWords(recorded),
    ...left.map((pid) => `it left process ${pid} running, which is recorded no longer: attach to it`),
    ...(lost > 0 ? [`${formatCount(lost)} of ${formatCount(events)} events were lost: the trace has gaps`] : []),
    ...(exitCode !== 0 && exitCode !== 143 ? [`the program ended with ${exitWords(exitCode)}`] : []),
  ];
}
