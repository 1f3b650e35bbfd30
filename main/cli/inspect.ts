import { release } from "node:os";
import { BadInputError } from "../../engine/error.ts";
import { allocatorsOfLook } from "../../engine/live/allocators.ts";
import type { ProcessDocument, ServiceDocument, TopDocument } from "../../engine/live/document.ts";
import type { Look } from "../../engine/live/look.ts";
import { type Looker, startLooker } from "../../probe/look.ts";
import { isBadInput } from "../answer.ts";
import { inspectProcess, inspectService, lookAtAll, type Target } from "../live/inspect.ts";
import { requireNone } from "./effect.ts";
import { forecastText, processText, serviceText, topText } from "./live-text.ts";
import { harmless, print, warn } from "./print.ts";
import { onReaderGone } from "./reader.ts";
import { withLab } from "./session.ts";
import { again, lookProgress } from "./watch.ts";

interface LiveOptions {
  readonly watch?: boolean;
  readonly interval?: number;
  readonly json?: boolean;
}

export interface InspectOptions extends LiveOptions {
  readonly name?: string;
  readonly cgroup?: string;
  readonly keep?: boolean;
  readonly db?: string;
}

function targetOf(pid: number | undefined, { name, cgroup }: InspectOptions): Target {
  const named: Target[] = [
    ...(pid === undefined ? [] : [{ kind: "pid", pid } as const]),
    ...(name === undefined ? [] : [{ kind: "name", pattern: name } as const]),
    ...(cgroup === undefined ? [] : [{ kind: "cgroup", path: cgroup } as const]),
  ];
  if (named.length === 1) return named[0];
  throw new BadInputError(named.length === 0 ? "Nothing to look at" : "More than one thing to look at", {
    todo: "Give a pid, --name REGEX or --cgroup PATH",
  });
}

/** One JSON document; several, one a line, where it is watched. */
function jsonText(value: unknown, watched: boolean): string {
  return harmless(JSON.stringify(value, null, watched ? undefined : 2));
}

const SECONDS = 2;
function everyOf({ watch, interval }: LiveOptions): number | null {
  if (watch) return interval ?? SECONDS;
  requireNone({ "--interval": interval }, "without --watch", "Add --watch, or omit it");
  return null;
}

async function looking(body: (looker: Looker) => Promise<void>): Promise<void> {
  const looker = startLooker();
  try {
    await body(looker);
  } finally {
    looker.close();
  }
}

/** What `--json` prints of a process: the parts of which verdict and picture are made stay inside. */
function printedProcess({ split: _, started_ms: _started, ...document }: ProcessDocument): unknown {
  return document;
}

function printed(document: ProcessDocument | ServiceDocument): object {
  if (!("processes" in document)) return printedProcess(document) as object;
  const { split: _, ...total } = document.total;
  return { processes: document.processes.map(printedProcess), shared: document.shared, total };
}

/** With what a fleet's records are told apart by: the kernel, and the allocators of each process. */
function printedTop(
  { split: _, services: _services, processes, ...document }: TopDocument,
  looks: ReadonlyMap<number, Look>,
): unknown {
  const allocatorsOf = (pid: number) => {
    const look = looks.get(pid);
    return look === undefined ? [] : allocatorsOfLook(look);
  };
  return {
    kernel: release(),
    ...document,
    processes: processes.map(({ split: _split, ...row }) => ({ ...row, allocators: allocatorsOf(row.pid) })),
  };
}

function shownText(document: ProcessDocument | ServiceDocument): string {
  return harmless("processes" in document ? serviceText(document) : processText(document));
}

/** Keeps what is seen: the looks of --watch as one line, put into the history at the end, also where nobody reads on. */
async function keepLooks(target: Target, options: InspectOptions): Promise<void> {
  const every = everyOf(options);
  let isRead = true;
  const leave = onReaderGone(() => {
    isRead = false;
  });
  await withLab(options, async (session) => {
    let progress = lookProgress();
    session.on("live.progressed", ({ pid, share }) =>
      progress.onProgress(pid === 0 ? "its processes" : `process ${pid}`, share),
    );
    const look = async () => {
      progress = lookProgress();
      const seen =
        target.kind === "pid"
          ? await session.ask("live.inspect", { pid: target.pid, watched: every !== null })
          : await session.ask("live.inspectService", { target, watched: every !== null, mappings: true });
      progress.clear();
      return { document: "document" in seen ? seen.document : seen, forecast: seen.forecast };
    };
    if (every !== null)
      await again(every, async () => {
        const { document } = await look();
        return options.json ? jsonText(printed(document), true) : shownText(document);
      });
    const kept =
      target.kind === "pid"
        ? await session.ask("live.keep", { pid: target.pid })
        : await session.ask("live.keepService", { target });
    if (!isRead) return warn(`kept as experiment ${kept.id}: ${kept.title}`);
    // One that has ended has no future.
    const after = await look().catch((error: unknown) => {
      if (isBadInput(error)) return null;
      throw error;
    });
    if (options.json)
      return print(
        jsonText(
          {
            kept: kept.id,
            forecast: after?.forecast ?? null,
            ...(every === null && after ? printed(after.document) : {}),
          },
          every !== null,
        ),
      );
    if (every === null && after !== null) print(shownText(after.document));
    if (after?.forecast) print(forecastText(after.forecast));
    print(`Kept as experiment ${kept.id}: ${kept.title}`);
  }).finally(leave);
}

export async function inspect(pid: number | undefined, options: InspectOptions): Promise<void> {
  const target = targetOf(pid, options);
  if (options.keep) return keepLooks(target, options);
  requireNone({ "--db": options.db }, "without --keep", "Add --keep, or omit it");
  const every = everyOf(options);
  await looking((looker) =>
    again(every, async () => {
      const { onProgress, clear } = lookProgress();
      const document =
        target.kind === "pid"
          ? await inspectProcess(looker, target.pid, onProgress)
          : await inspectService(looker, target, onProgress);
      clear();
      if (options.json) return jsonText(printed(document), every !== null);
      return shownText(document);
    }),
  );
}

export async function top(options: LiveOptions): Promise<void> {
  const every = everyOf(options);
  let before: ReadonlyMap<number, Look> = new Map();
  await looking((looker) =>
    again(every, async () => {
      const { onProgress, clear } = lookProgress();
      const { document, looks } = await lookAtAll(looker, onProgress, before);
      before = looks;
      clear();
      return options.json ? jsonText(printedTop(document, looks), every !== null) : harmless(topText(document));
    }),
  );
}
