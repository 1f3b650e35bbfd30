/** The lab in the command line's own process, and how its calls are made from here. */
import { homedir } from "node:os";
import { resolve } from "node:path";
import { describeError } from "../../engine/error.ts";
import { AnsweredError, checkResult } from "../answer.ts";
import type { CallArguments, CallResult, EventName, EventPayload, HostCallName } from "../contract.ts";
import { historyFile } from "../data-folder.ts";
import type { Emit } from "../host/emit.ts";
import { openLab } from "../host/lab.ts";

export interface DbOption {
  readonly db?: string;
}

export interface Session {
  /** The history file, as people read it. */
  readonly where: string;
  ask<N extends HostCallName>(name: N, ...params: CallArguments<N>): Promise<CallResult<N>>;
  on<N extends EventName>(name: N, listener: (payload: EventPayload<N>) => void): void;
}

function readable(file: string): string {
  return file.startsWith(`${homedir()}/`) ? `~${file.slice(homedir().length)}` : file;
}

/** Opens the lab, does something with it, and closes it whatever happens. */
export async function withLab<T>(options: DbOption, body: (session: Session) => Promise<T>): Promise<T> {
  const file = options.db === undefined ? historyFile() : resolve(options.db);
  const listeners = new Map<EventName, ((payload: never) => void)[]>();
  const emit: Emit = (name, payload) => {
    for (const listener of listeners.get(name) ?? []) listener(payload as never);
  };
  const log = (error: unknown) => process.stderr.write(`reclaim-lab: ${describeError(error)}\n`);
  const lab = openLab({ file, emit, log });
  try {
    return await body({
      where: readable(file),
      async ask(name, ...params) {
        const answered = await lab.call(name, params[0]);
        if ("error" in answered) throw new AnsweredError(answered.error);
        return checkResult(name, answered.result);
      },
      on(name, listener) {
        listeners.set(name, [...(listeners.get(name) ?? []), listener as (payload: never) => void]);
      },
    });
  } finally {
    await lab.close();
  }
}
