/** How a call is answered on every receiving side: the payload checked, the handler called, an error made showable. */
import * as v from "valibot";
import { translate } from "../db/errors.ts";
import { FileError } from "../db/file-error.ts";
import { BadInputError, ReclaimLabError } from "../engine/error.ts";
import { type Answer, CALLS, type CallName, type CallResult, type Handlers, type LabError } from "./contract.ts";

/** What the file system or SQLite threw and nobody nearer to it named. */
export function inWords(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || thrown instanceof ReclaimLabError || !("code" in thrown)) return thrown;
  const code = String(thrown.code);
  if (code.startsWith("SQLITE_")) return translate(thrown, "the history");
  return /^E[A-Z0-9]+$/.test(code) && "syscall" in thrown ? new FileError(thrown) : thrown;
}

/** An error as it crosses a process boundary. What is not ours is a fault of the program: its message is kept, its stack goes to the log. */
export function toLabError(thrown: unknown): LabError {
  const error = inWords(thrown);
  if (error instanceof ReclaimLabError) {
    const { name, message, where, why, todo } = error;
    return {
      name,
      message,
      ...(where === undefined ? {} : { where }),
      ...(why === undefined ? {} : { why }),
      ...(todo === undefined ? {} : { todo }),
      ...(isBadInput(error) ? { badInput: true } : {}),
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  return {
    name: "InternalError",
    message: "Reclaim Lab had an internal error",
    why: message,
    todo: "Everything else still works; please report this with what you did",
  };
}

/** The error of an answer, to be thrown again on the calling side. */
export class AnsweredError extends ReclaimLabError {
  override readonly name: string;
  override readonly badInput: boolean;
  constructor(error: LabError) {
    super(error.message, error);
    this.name = error.name;
    this.badInput = error.badInput ?? false;
  }
}

export function isBadInput(error: unknown): boolean {
  return error instanceof ReclaimLabError && error.badInput;
}

/** The first thing that a schema found wrong, in words. */
function describeIssues(issues: readonly [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]]): string {
  const [issue] = issues;
  const path = v.getDotPath(issue);
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : "";
  return `${path === null ? "" : `${path}: `}${issue.message}${more}`;
}

/** Checks the parameters of a call. Throws BadInputError. */
export function checkParams(name: CallName, params: unknown): unknown {
  const checked = v.safeParse(CALLS[name].params, params);
  if (checked.success) return checked.output;
  throw new BadInputError("This request is not valid", { why: describeIssues(checked.issues) });
}

/** Checks the result of a call on the side that asked for it. */
export function checkResult<N extends CallName>(name: N, result: unknown): CallResult<N> {
  const checked = v.safeParse(CALLS[name].result, result);
  if (checked.success) return checked.output as CallResult<N>;
  throw new ReclaimLabError("The lab answered with something unexpected", {
    where: name,
    why: describeIssues(checked.issues),
  });
}

/** What was answered, checked, on the side that asked. Throws AnsweredError where it is an error. */
export function resultOf<N extends CallName>(name: N, answered: Answer<unknown>): CallResult<N> {
  if ("error" in answered) throw new AnsweredError(answered.error);
  return checkResult(name, answered.result);
}

/**
 * Answers a call by its handler. Never throws; `log` gets what the user is not shown.
 */
export async function answer<Name extends CallName>(
  handlers: Handlers<Name>,
  name: Name,
  params: unknown,
  log: (error: unknown) => void,
): Promise<Answer<unknown>> {
  try {
    const handler = handlers[name] as (params: unknown) => unknown;
    return { result: await handler(checkParams(name, params)) };
  } catch (error) {
    if (!(error instanceof ReclaimLabError)) log(error);
    return { error: toLabError(error) };
  }
}
