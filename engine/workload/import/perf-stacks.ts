/**
 * Call stacks as perf script prints them under an event, the innermost first:
 *
 *     \t            11a2 give_back (/usr/bin/app)
 *     \t            1088 main (/usr/bin/app)
 */

/** An address, a name and a file, behind blanks. */
const FRAME = /^\s+([0-9a-f]{1,16}) (.*) \(([^()]*(?:\(deleted\))?)\)\s*$/s;
const FRAMES_MAX = 256;
const STACKS_MAX = 1 << 16;

/** So many frames start a program at most: _start, and two of the C library's. */
const START_FRAMES_MAX = 3;
/** What starts a program or a thread, outside of its own first function. */
const OUTSIDE =
  /^(?:_start|__libc_start_(?:main|call_main)(?:_impl)?|__libc_start_main.*|start_thread|__?clone3?|clone3|thread_start)$/;
/** The functions of the C library that make the system call. */
const WRAPPER =
  /^(?:__GI_)?_*(?:madvise|munmap|mmap(?:64)?|mremap|mprotect|brk|sbrk|syscall|mlock2?|munlock|execve|fork|clone)(?:64)?$/;

export function isFrame(text: string): boolean {
  return (text.startsWith("\t") || text.startsWith("        ")) && FRAME.test(text.slice(0, 2000));
}

/** "[app+0x11a2]": a function without a name in that file, by the place in it. */
function nameOf(address: string, symbol: string, file: string): string {
  if (symbol !== "[unknown]" && symbol !== "") return symbol.replace(/\+0x[0-9a-f]+$/, "").slice(0, 400);
  if (file === "inlined" || file === "" || file === "[unknown]") return `[unknown 0x${address}]`;
  return `[${file.slice(file.lastIndexOf("/") + 1)}+0x${address}]`;
}

/** Collects the frames of one stack after the other; equal stacks are one object. */
export class Stacks {
  readonly #known = new Map<string, readonly string[]>();
  #frames: string[] = [];

  /** The next frame, further out. Those of the kernel are left out. */
  frame(text: string): void {
    const match = FRAME.exec(text);
    if (match === null || this.#frames.length >= FRAMES_MAX) return;
    const [, address, symbol, file] = match;
    if (file.startsWith("[kernel") || file.startsWith("[guest.kernel")) return;
    this.#frames.push(nameOf(address, symbol, file));
  }

  /** What was collected since the last time, the outermost first; null where there was nothing. */
  take(): readonly string[] | null {
    const frames = this.#frames.reverse();
    this.#frames = [];
    if (frames.length === 0) return null;
    let from = 0;
    // The very first has no name in a stripped program.
    for (let i = 0; i < Math.min(START_FRAMES_MAX, frames.length - 1); i++) if (OUTSIDE.test(frames[i])) from = i + 1;
    let to = frames.length;
    while (to > from + 1 && WRAPPER.test(frames[to - 1])) to--;
    const stack = frames.slice(from, to);
    const key = stack.join("\n");
    const found = this.#known.get(key);
    if (found) return found;
    if (this.#known.size < STACKS_MAX) this.#known.set(key, stack);
    return stack;
  }
}
