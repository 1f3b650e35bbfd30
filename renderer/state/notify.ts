import { toast } from "svelte-sonner";
import { sentence } from "../lib/sentence.ts";
import { asLabError } from "./lab.ts";

const UNDO_MS = 10_000;

/** A notice is plain text: what is code elsewhere stands without its marks. */
const plain = (text: string): string => text.replaceAll("`", "");

const described = (description = "") => (description === "" ? {} : { description: plain(description) });

/** Something went wrong: what happened, why, what to do. Stays until it is read. */
export function notifyError(thrown: unknown): void {
  const error = asLabError(thrown);
  const message = error.where ? `${error.where}: ${error.message}` : error.message;
  const words = [error.why, error.todo].flatMap((text) => (text ? sentence(text) : [])).join(" ");
  toast.error(plain(message), { ...described(words), duration: Number.POSITIVE_INFINITY });
}

export function notifyDone(message: string, description?: string): void {
  toast.success(plain(message), described(description));
}

/** Something to know of what was done; stays until it is read. */
export function notifyWarning(message: string): void {
  toast.warning(plain(message), { duration: Number.POSITIVE_INFINITY });
}

/** Says what was done and offers to take it back. */
export function notifyUndoable(message: string, undo: () => void): void {
  toast(message, { duration: UNDO_MS, action: { label: "Undo", onClick: undo } });
}
