import { toast } from "svelte-sonner";
import { asLabError } from "./lab.ts";

const UNDO_MS = 10_000;

/** Something went wrong: what happened, why, what to do. Stays until it is read. */
export function notifyError(thrown: unknown): void {
  const error = asLabError(thrown);
  const message = error.where ? `${error.where}: ${error.message}` : error.message;
  const description = [error.why, error.todo].filter(Boolean).join(". ");
  toast.error(message, { ...(description ? { description } : {}), duration: Number.POSITIVE_INFINITY });
}

export function notifyDone(message: string, description?: string): void {
  toast.success(message, description ? { description } : {});
}

/** Says what was done and offers to take it back. */
export function notifyUndoable(message: string, undo: () => void): void {
  toast(message, { duration: UNDO_MS, action: { label: "Undo", onClick: undo } });
}
