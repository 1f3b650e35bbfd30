/**
 * Runs conformance scripts through the engine, each on a kernel of its own:
 * `N <tab> VmPTE delta kB <tab> status <tab> operation`, N counting from 1.
 *
 * Status: `ok`, an errno's name, `segv=N,bus=M` (accesses of a touch that raised a signal), `ok=BYTES` (process_madvise),
 * `child=KB`, `vmas=N` with the list where asked for.
 */

import type { PolicyId } from "../experiment/policies.ts";
import { featuresOf } from "../experiment/policies.ts";
import { withoutClock } from "../mm/features.ts";
import { createKernel, type Kernel, type KernelOptions } from "../mm/kernel.ts";
import { VM_READ, VM_SHARED, VM_WRITE } from "../mm/vma.ts";
import { ARENA_BASE, type ConformStep, LINE_MAX, parseConformLine, scriptText } from "./conform-script.ts";
import { PAGE } from "./sizes.ts";

export { scriptText } from "./conform-script.ts";

/** Settings of the system: the engine's equivalents of swap space, a running khugepaged and a hugetlb pool. */
export type ConformOptions = Omit<KernelOptions, "features" | "image">;

export interface ConformAnswer {
  /** VmPTE above the start, in kB. */
  readonly deltaKb: number;
  readonly status: string;
}

/** VMAs of the arena in the form of the `vmas list` operation: start-end in pages, hexadecimal, and permissions. */
function listVmas(kernel: Kernel, list: boolean): string {
  const base = ARENA_BASE / PAGE;
  const vmas = kernel.state.processes[0].vmas.list.filter((vma) => vma.start >= base);
  if (!list) return `vmas=${vmas.length}`;
  const shown = vmas.map((vma) => {
    const r = vma.flags & VM_READ ? "r" : "-";
    const w = vma.flags & VM_WRITE ? "w" : "-";
    const shared = vma.flags & VM_SHARED ? "s" : "p";
    return ` ${(vma.start - base).toString(16)}-${(vma.end - base).toString(16)}:${r}${w}${shared}`;
  });
  return `vmas=${vmas.length}${shown.join("")}`;
}

/** A kernel without a start-up image, and the scripts' way of talking to it. */
export class Conformance {
  readonly kernel: Kernel;

  constructor(mode: PolicyId, options: ConformOptions = {}) {
    this.kernel = createKernel({ ...options, features: withoutClock(featuresOf(mode)), image: "empty" });
  }

  /** Performs one line. Errors: BadInputError (`where` names file and line) where it is no operation. */
  perform(line: string, where: string): ConformAnswer {
    const status = this.#run(parseConformLine(line, where));
    return { deltaKb: this.kernel.vmpteKb(), status };
  }

  /** The last forked process that lives; 0: none. */
  #lastChild(): number {
    return this.kernel.state.processes.findLast((mm) => mm.alive && mm.id !== 0)?.id ?? 0;
  }

  #childStatus(): string {
    const child = this.#lastChild();
    return child === 0 ? "ESRCH" : `child=${this.kernel.vmpteKb(child)}`;
  }

  #run(step: ConformStep): string {
    const { kernel } = this;
    if (step.kind === "vmas" || step.kind === "vmaslist") return listVmas(kernel, step.kind === "vmaslist");
    if (step.kind === "scan") kernel.scan();
    if (step.kind === "childstat") return this.#childStatus();
    if (step.kind === "child" && this.#lastChild() === 0) return "ESRCH";
    let status = "ok";
    for (const operation of step.operations) {
      const toChild = step.kind === "child" && operation.op === "madvise";
      const result = kernel.execute(toChild ? { ...operation, via: this.#lastChild() } : operation);
      status = result.status;
      if (status !== "ok") return status;
      if (step.kind === "touch" && result.segv + result.bus > 0) return `segv=${result.segv},bus=${result.bus}`;
      if (step.kind === "bytes" || step.kind === "child") return `ok=${result.value}`;
    }
    return step.kind === "fork" ? this.#childStatus() : status;
  }
}

/**
 * Runs a whole script and yields its result lines. `name`: the script's, for errors. Deterministic.
 * Errors: BadInputError where a line is no operation.
 */
export function* runConformScript(
  lines: Iterable<string>,
  mode: PolicyId,
  name: string,
  options: ConformOptions = {},
): Generator<string> {
  const conformance = new Conformance(mode, options);
  let lineNumber = 0;
  let operations = 0;
  for (const line of lines) {
    lineNumber++;
    // A line that is too long is refused by the parser before anything else looks at it.
    if (line.length <= LINE_MAX && scriptText(line) === "") continue;
    const { deltaKb, status } = conformance.perform(line, `${name}:${lineNumber}`);
    yield `${++operations}\t${deltaKb}\t${status}\t${scriptText(line)}`;
  }
}
