/**
 * The base of every error that a user may see. It says what happened, where (a file and line, a field, a run),
 * why, and what to do about it; none of them is a stack trace.
 */
export interface ErrorFacts {
  /** The field, option, file:line or run that the error is about. */
  readonly where?: string | undefined;
  /** What made it fail. */
  readonly why?: string | undefined;
  /** What the reader can do now. */
  readonly todo?: string | undefined;
  readonly cause?: unknown;
}

export class ReclaimLabError extends Error {
  override readonly name: string = "ReclaimLabError";
  /** Is it the asker who has to change something: an option, a name, a file? The command line then ends with status 2. */
  readonly badInput: boolean = false;
  readonly where: string | undefined;
  readonly why: string | undefined;
  readonly todo: string | undefined;

  /** `what`: what happened, one sentence without a full stop. */
  constructor(what: string, facts: ErrorFacts = {}) {
    super(what, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.where = facts.where;
    this.why = facts.why;
    this.todo = facts.todo;
  }
}

/** Bad usage or bad input. */
export class BadInputError extends ReclaimLabError {
  override readonly name: string = "BadInputError";
  override readonly badInput = true;
}

/** One line: what, where, why, what to do. */
export function describeError(error: unknown): string {
  if (!(error instanceof ReclaimLabError)) return error instanceof Error ? error.message : String(error);
  const where = error.where === undefined ? "" : `${error.where}: `;
  const why = error.why === undefined ? "" : `: ${error.why}`;
  const todo = error.todo === undefined ? "" : `. ${error.todo}`;
  return `${where}${error.message}${why}${todo}`;
}
