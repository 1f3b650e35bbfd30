import { toast } from "svelte-sonner";
import { asLabError } from "./lab.ts";

const UNDO_MS = 10_000;

/** "it was moved" -> "It was moved." */
function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}

/** Something went wrong: what happened, why, what to do. Stays until it is read. */
export function notifyError(thrown: unknown): void {
  const error = asLabError(thrown);
  const message = error.where ? `${error.where}: ${error.message}` : error.message;
  const words = [error.why, error.todo].flatMap((text) => (text ? sentence(text) : [])).join(" ");
  // A toast is plain text.
  const description = words.replaceAll("`", "");
  toast.error(message, { ...(description ? { description } : {}), duration: Number.POSITIVE_INFINITY });
}

export function notifyDone(message: string, description?: string): void {
  toast.success(message, description ? { description } : {});
}

/** Something to know of what was done; stays until it is read. */
export function notifyWarning(message: string): void {
  toast.warning(message, { duration: Number.POSITIVE_INFINITY });
}

/** Says what was done and offers to take it back. */
export function notifyUndoable(message: string, undo: () => void): void {
  toast(message, { duration: UNDO_MS, action: { label: "Undo", onClick: undo } });
}
