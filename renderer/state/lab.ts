import type { CallArguments, CallName, CallResult, LabError, WindowCallName } from "../../main/contract.ts";

/** A call that was answered with an error; `details` can be shown as it is. */
export class LabCallError extends Error {
  override readonly name = "LabCallError";
  readonly details: LabError;

  constructor(details: LabError) {
    super(details.message);
    this.details = details;
  }
}

/** Asks the lab. Rejects with LabCallError where the answer is an error. */
export async function call<N extends WindowCallName & CallName>(
  name: N,
  ...params: CallArguments<N>
): Promise<CallResult<N>> {
  const answer = await window.lab.call(name, ...params);
  if ("error" in answer) throw new LabCallError(answer.error);
  return answer.result;
}

/** Anything that was thrown, in the form in which errors are shown. */
export function asLabError(thrown: unknown): LabError {
  if (thrown instanceof LabCallError) return thrown.details;
  return {
    name: "WindowError",
    message: "The window had an internal error",
    why: thrown instanceof Error ? thrown.message : String(thrown),
    todo: "Close the window and start Reclaim Lab again; what is stored is not affected",
  };
}

/** What is wrong with a history that cannot be opened; a copy, what can be recovered, or a new one can. */
const HISTORY_FAULTS: ReadonlySet<string> = new Set([
  "DamagedHistoryError",
  "ForeignFileError",
  "NewerHistoryError",
  "MigrationLedgerError",
  "AlteredHistoryError",
  "HistoryReadOnlyError",
  "HistoryBusyError",
  "HistoryFullError",
  "HistoryIoError",
]);

export const isHistoryFault = (error: LabError): boolean => HISTORY_FAULTS.has(error.name);
