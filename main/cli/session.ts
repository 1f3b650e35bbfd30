/** The lab in the command line's own process, and how its calls are made from here. */
import { resolve } from "node:path";
import { describeError } from "../../engine/error.ts";
import { AnsweredError, resultOf, toLabError } from "../answer.ts";
import type { CallArguments, CallResult, EventName, EventPayload, LabCallName } from "../contract.ts";
import { closeToOthers, dataFolder, historyFile, requireChosen, shownPath } from "../data-folder.ts";
import type { Emit } from "../host/emit.ts";
import { type Lab, type LabOptions, openLab } from "../host/lab.ts";
import { requirePlace } from "./out-option.ts";
import { warn } from "./print.ts";

export interface DbOption {
  readonly db?: string;
}

export interface Session {
  /** The history file, as people read it. */
  readonly where: string;
  ask<N extends LabCallName>(name: N, ...params: CallArguments<N>): Promise<CallResult<N>>;
  on<N extends EventName>(name: N, listener: (payload: EventPayload<N>) => void): void;
}

/** What is wrong with a history that this program cannot go on with. */
const UNUSABLE: ReadonlySet<string> = new Set([
  "DamagedHistoryError",
  "ForeignFileError",
  "NewerHistoryError",
  "MigrationLedgerError",
  "AlteredHistoryError",
]);

/** Says by which commands it is done, too. */
function withCommands(error: unknown): unknown {
  const facts = toLabError(error);
  if (!UNUSABLE.has(facts.name)) return error;
  const commands = "history copies; history use --copy FILE; history recover DAMAGED NEW; history use --new";
  return new AnsweredError({ ...facts, todo: `${facts.todo} (${commands})` });
}

function opened(options: LabOptions): Lab {
  try {
    return openLab(options);
  } catch (error) {
    throw withCommands(error);
  }
}

/** Opens the lab, does something with it, and closes it whatever happens. */
export async function withLab<T>(options: DbOption, body: (session: Session) => Promise<T>): Promise<T> {
  requirePlace(options.db, "--db", "A history");
  const folder = dataFolder();
  const file = options.db === undefined ? historyFile(folder) : resolve(options.db);
  if (options.db === undefined) {
    requireChosen(folder, file);
    // Where it cannot be made, opening the history says why.
    try {
      closeToOthers(folder);
    } catch {}
  }
  const listeners = new Map<EventName, ((payload: never) => void)[]>();
  const emit: Emit = (name, payload) => {
    for (const listener of listeners.get(name) ?? []) listener(payload as never);
  };
  const log = (error: unknown) => warn(describeError(error));
  const lab = opened({ file, emit, log });
  try {
    return await body({
      where: shownPath(file),
      async ask(name, ...params) {
        try {
          return resultOf(name, await lab.call(name, params[0]));
        } catch (error) {
          throw withCommands(error);
        }
      },
      on(name, listener) {
        listeners.set(name, [...(listeners.get(name) ?? []), listener as (payload: never) => void]);
      },
    });
  } finally {
    await lab.close();
  }
}
