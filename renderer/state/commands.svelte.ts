import { untrack } from "svelte";
import { isTyping, type KeyPress, matches } from "../lib/keys.ts";
import { lastOfEach } from "../lib/last-of-each.ts";

export const COMMAND_GROUPS = ["Experiment", "Chart", "History", "View", "Lab"] as const;
export type CommandGroup = (typeof COMMAND_GROUPS)[number];

/** Something that the user can do, by shortcut, in the palette and in the list under "?". */
export interface Command {
  readonly id: string;
  readonly title: string;
  readonly group: CommandGroup;
  /** See lib/keys.ts. */
  readonly keys?: string;
  readonly run: () => void;
  /** Checked when it is shown or run (default: always enabled). */
  readonly enabled?: () => boolean;
  /** Other words that people search it by. */
  readonly words?: readonly string[];
  /** In the palette only once something is typed. */
  readonly searchOnly?: boolean;
  /** Left out of the palette (moving a cursor, say), but listed under "?". */
  readonly keyOnly?: boolean;
}

const IS_MAC = /Mac OS X/.test(navigator.userAgent);

class Commands {
  list = $state.raw<readonly Command[]>([]);
  /** What is offered: a view's command in the place of the app's of the same id, as `run` takes it. */
  readonly offered = $derived(lastOfEach(this.list, (command) => command.id));

  /** Adds a view's commands; gives the function that takes them away again. */
  add(commands: readonly Command[]): () => void {
    // An effect that adds commands must not run again because of the list that it changes.
    untrack(() => {
      this.list = [...this.list, ...commands];
    });
    return () => {
      this.list = untrack(() => this.list).filter((command) => !commands.includes(command));
    };
  }

  run(id: string): boolean {
    const command = this.list.findLast((candidate) => candidate.id === id);
    if (!command || command.enabled?.() === false) return false;
    command.run();
    return true;
  }

  /**
   * The command that a key press stands for: what was added last goes first. Bare keys stay out of text fields; so does Alt on a Mac,
   * where it moves by words.
   */
  find(press: KeyPress, target: EventTarget | null): Command | undefined {
    const typing = isTyping(target);
    return this.list.findLast((command) => {
      if (!command.keys || !matches(press, command.keys) || command.enabled?.() === false) return false;
      return !typing || command.keys.includes("Ctrl+") || (command.keys.includes("Alt+") && !IS_MAC);
    });
  }
}

export const commands = new Commands();
