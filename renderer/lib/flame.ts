/** Blame as the tree of a flame graph: a frame a function, as wide as the tables that were emptied in it and below it. */
import { type BlameEntry, blameReason } from "../../engine/experiment/blame.ts";

export interface Frame {
  readonly name: string;
  /** kB of tables, those of its children among them. */
  value: number;
  readonly children: Frame[];
  /** The reason why they stay: the innermost frame. */
  readonly reason: boolean;
}

const NO_STACK = "(no stack in the trace)";

/** What the frames of an entry are called, the outermost first and the reason last. */
function framesOf({ stack, reason }: BlameEntry): string[] {
  return [...(stack.length > 0 ? stack : [NO_STACK]), blameReason(reason)];
}

export function flameOf(blame: readonly BlameEntry[], name: string): Frame {
  const root: Frame = { name, value: 0, children: [], reason: false };
  for (const entry of blame) {
    let frame = root;
    frame.value += entry.kb;
    const names = framesOf(entry);
    for (const [depth, each] of names.entries()) {
      const reason = depth === names.length - 1;
      let child = frame.children.find((other) => other.name === each && other.reason === reason);
      if (child === undefined) {
        child = { name: each, value: 0, children: [], reason };
        frame.children.push(child);
      }
      child.value += entry.kb;
      frame = child;
    }
  }
  return root;
}

/** How many frames lie above each other, the root among them. */
export function depthOf({ children }: Frame): number {
  return 1 + children.reduce((most, child) => Math.max(most, depthOf(child)), 0);
}

/** Places of the frames that lead to an entry, from the root's children on. */
export function pathTo(root: Frame, entry: BlameEntry): number[] {
  const path: number[] = [];
  let frame = root;
  const names = framesOf(entry);
  for (const [depth, name] of names.entries()) {
    const reason = depth === names.length - 1;
    const at = frame.children.findIndex((child) => child.name === name && child.reason === reason);
    if (at < 0) return path;
    path.push(at);
    frame = frame.children[at];
  }
  return path;
}
