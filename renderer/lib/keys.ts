/** Shortcuts are written as "Ctrl+Shift+K", "?" or "ArrowLeft": one spelling for handling and for showing them. */

export interface KeyPress {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
}

interface Chord {
  readonly key: string;
  readonly ctrl: boolean;
  readonly alt: boolean;
  readonly shift: boolean;
}

function parse(keys: string): Chord {
  const parts = keys.split("+");
  const key = keys === "+" || keys.endsWith("++") ? "+" : (parts.at(-1) ?? "");
  const has = (name: string): boolean => parts.slice(0, -1).includes(name);
  return { key, ctrl: has("Ctrl"), alt: has("Alt"), shift: has("Shift") };
}

/** Is this key press that shortcut? Shift counts only where it is written, since "?" needs it on many keyboards. */
export function matches(press: KeyPress, keys: string): boolean {
  const chord = parse(keys);
  if ((press.ctrlKey || press.metaKey) !== chord.ctrl || press.altKey !== chord.alt) return false;
  const isText = chord.key.length === 1 && !/[a-z0-9]/i.test(chord.key);
  if (!isText && press.shiftKey !== chord.shift) return false;
  return press.key.toLowerCase() === chord.key.toLowerCase();
}

const SHOWN: Readonly<Record<string, string>> = {
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  Escape: "Esc",
  Delete: "Del",
  " ": "Space",
};

/** The caps to draw: "Ctrl+Shift+K" -> ["Ctrl", "Shift", "K"]. */
export function keyCaps(keys: string): string[] {
  const chord = parse(keys);
  const caps: string[] = [];
  if (chord.ctrl) caps.push("Ctrl");
  if (chord.alt) caps.push("Alt");
  if (chord.shift) caps.push("Shift");
  caps.push(SHOWN[chord.key] ?? (chord.key.length === 1 ? chord.key.toUpperCase() : chord.key));
  return caps;
}

/** Does a key press belong to the text that is being written, so that bare-letter shortcuts must stay away? */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement)
    return true;
  return target instanceof HTMLInputElement && !["checkbox", "radio", "range", "button"].includes(target.type);
}
