/**
 * Lines of a conformance script as the probe takes them: the numbers of a stream's record (stream-format.ts) in hexadecimal, with a
 * blank between. The engine's parser reads the words, for both.
 */
import { BadInputError } from "../../engine/error.ts";
import { type ConformStep, parseConformLine } from "../../engine/workload/conform-script.ts";
import { code, encodeOperation, KIND, MAP_RESERVE, RECORD_DOUBLES, UFFD_ACTION, VMAS_LIST } from "../stream-format.ts";

const record = new Float64Array(RECORD_DOUBLES);

const asLine = (): string => Array.from(record, (number) => number.toString(16)).join(" ");

/** Makes the address space empty, as at the start; answered like an operation. */
export const RESET = `${KIND.reset.toString(16)} 0 0 0 0`;

function encodeStep({ kind, operations }: ConformStep, where: string): void {
  record.fill(0);
  const [operation, second] = operations;
  if (kind === "vmas") record[0] = KIND.vmas;
  else if (kind === "vmaslist") record[0] = code(KIND.vmas, 0, VMAS_LIST);
  else if (kind === "childstat") record[0] = KIND.childstat;
  else if (operation === undefined || (operation.op === "madvise" && operation.advice === "pt_reclaim"))
    throw new BadInputError("no kernel has this operation", {
      where,
      why: "scan and pt_reclaim are of policies that only the model has",
    });
  else {
    encodeOperation(operation, record, 0);
    if (operation.op === "mmap" && !operation.flags?.includes("noreserve")) record[0] += code(0, 0, MAP_RESERVE);
    // Two operations, of which the second waits for the outcome of the first.
    if (second !== undefined) record[0] = code(KIND.uffd, UFFD_ACTION.on, 0);
  }
}

/**
 * One line of a script; `where` names its place in messages.
 * Errors: BadInputError where it is no operation, or none of a kernel.
 */
export function lower(line: string, where: string): string {
  encodeStep(parseConformLine(line, where), where);
  return asLine();
}
