/** Which process of a trace is meant: one rule for importing, running and checking. */
import { BadInputError } from "../../engine/error.ts";
import type { TracedProcess } from "../../engine/workload/import/index.ts";

/**
 * The process asked for, or the busiest. Errors: BadInputError if there is none such, or it is a
 * 32-bit program.
 */
export function chooseProcess(
  name: string,
  processes: readonly TracedProcess[],
  pid: number | undefined,
): TracedProcess {
  const chosen = pid === undefined ? processes[0] : processes.find((each) => each.pid === pid);
  if (chosen === undefined) {
    if (processes.length === 0) throw new BadInputError("It has no event of any process", { where: name });
    const known = processes.slice(0, 10).map((each) => `${each.pid} (${each.comm})`);
    throw new BadInputError(`There is no process ${pid} in it`, { where: name, todo: `It holds ${known.join(", ")}` });
  }
  if (chosen.is32Bit)
    throw new BadInputError(`Process ${chosen.pid} (${chosen.comm}) is a 32-bit program`, {
      where: name,
      why: "the kernel's trace events leave out the system calls of 32-bit programs, so its mappings are not known",
      todo:
        processes.length > 1 ? "Trace a 64-bit build of it, or choose another process" : "Trace a 64-bit build of it",
    });
  return chosen;
}
