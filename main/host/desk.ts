/**
 * The lab, and what can be done where its history cannot be opened: the copies of it, recovery, a new one. The history
 * that could not be opened stays as it is; which one is used instead is remembered in the data folder.
 */
import { basename, dirname } from "node:path";
import { type Copy, copyTo, listCopies, nextName } from "../../db/copies.ts";
import { BadValueError, type HistoryError, HistoryIoError } from "../../db/errors.ts";
import { sizeOf } from "../../db/files.ts";
import { recoverHistory } from "../../db/recover.ts";
import { BadInputError } from "../../engine/error.ts";
import { answer, toLabError } from "../answer.ts";
import { isRescueCall, type rescueCalls } from "../contract/rescue.ts";
import type { Answer, Handlers, HostCallName, LabError } from "../contract.ts";
import { chooseHistory, requireChosen, shownPath } from "../data-folder.ts";
import { type Lab, type LabOptions, openLab } from "./lab.ts";

export type RescueCallName = Extract<HostCallName, keyof typeof rescueCalls>;

export interface DeskOptions extends LabOptions {
  /** Where it is remembered which history is used; null: nowhere, this one is meant. */
  readonly folder: string | null;
  /** The history was opened (null), or could not be. */
  readonly tell: (failure: LabError | null) => void;
}

export interface Desk {
  call(name: HostCallName, params: unknown): Promise<Answer<unknown>>;
  /** Of the lab that is open, if one is. */
  getReady(): Promise<void>;
  close(): Promise<void>;
}

/** Opens the lab over `file`, or says that it cannot be opened and waits for what is done about it. Never throws. */
export function openDesk({ folder, tell, ...options }: DeskOptions): Desk {
  let file = options.file;
  let lab: Lab | undefined;
  let failure: LabError | undefined;
  let copies: readonly Copy[] = [];

  /** It was open and is damaged: nothing more is done with it but what can be done about it. */
  function condemn(condemned: Lab, error: HistoryError): void {
    if (lab !== condemned) return;
    lab = undefined;
    failure = { ...toLabError(error), message: "This history is damaged; nothing more is written to it" };
    tell(failure);
    condemned.close().catch(options.log);
  }

  function open(path: string): Lab {
    const opened = openLab({
      ...options,
      file: path,
      checkMeanwhile: true,
      // Who found it is in the middle of a call.
      onDamage: (error) => setImmediate(() => condemn(opened, error)),
    });
    return opened;
  }

  /** Opens another history (or the same again) in place of the one that is open. */
  async function use(next: string): Promise<{ name: string }> {
    const before = lab;
    lab = open(next);
    failure = undefined;
    file = next;
    if (folder !== null) chooseHistory(folder, next);
    await before?.close();
    tell(null);
    return { name: basename(next) };
  }

  function look(): readonly Copy[] {
    copies = listCopies(file);
    return copies;
  }

  function copyOf(id: number): Copy {
    const found = copies[id - 1];
    if (found === undefined)
      throw new BadInputError("There is no such copy", { where: String(id), todo: "List the copies again" });
    return found;
  }

  const handlers: Handlers<RescueCallName> = {
    "rescue.look": () => ({
      name: basename(file),
      copies: look().map(({ path, ...about }, at) => ({
        id: at + 1,
        name: basename(path),
        folder: shownPath(dirname(path)),
        ...about,
      })),
    }),
    "rescue.retry": () => {
      if (folder !== null) requireChosen(folder, file);
      return use(file);
    },
    "rescue.open": ({ id }) => {
      const { path, kind } = copyOf(id);
      if (kind === "history") return use(path);
      const made = nextName(file);
      copyTo(path, made);
      return use(made);
    },
    "rescue.startNew": () => use(nextName(file)),
    "rescue.recover": () => {
      const made = nextName(file, "recovered");
      const { incomplete, ...counts } = recoverHistory(file, made);
      const id = look().findIndex((copy) => copy.path === made) + 1;
      return { id, name: basename(made), ...counts, incomplete: [...incomplete] };
    },
    "rescue.openFile": ({ path }) => {
      if (sizeOf(path) === null) throw new HistoryIoError(path, "there is no such file");
      return use(path);
    },
    "rescue.create": ({ path }) => {
      if (sizeOf(path) !== null)
        throw new BadValueError("A new history needs a new file", {
          where: path,
          why: "a file with that name exists",
          todo: "Choose another name, or open that file",
        });
      return use(path);
    },
  };

  try {
    if (folder !== null) requireChosen(folder, file);
    lab = open(file);
    tell(null);
  } catch (error) {
    failure = toLabError(error);
    if (failure.name === "InternalError") options.log(error);
    tell(failure);
  }

  return {
    async call(name, params) {
      if (isRescueCall(name)) return answer(handlers, name, params, options.log);
      if (lab !== undefined) return lab.call(name, params);
      return name === "host.close" ? { result: undefined } : { error: failure as LabError };
    },
    getReady: async () => lab?.getReady(),
    close: async () => lab?.close(),
  };
}
