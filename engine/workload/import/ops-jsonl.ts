/**
 * The lab's own workload file, `NAME.ops.jsonl`: JSON Lines, UTF-8. The first line is the header
 *
 *     {"format":"reclaim-lab-ops","version":1,"title":"redis under load","operations":51201}
 *
 * (`title` and `operations`, the number of lines that follow, may be missing; `"follow":true` says that the file is about
 * the process forked last, not the first); every further line is one operation as
 * engine/workload/operation.ts defines it, for example
 *
 *     {"op":"mmap","addr":140737215201280,"len":53687091200,"prot":"rw","backing":"anon"}
 *     {"op":"touch","addr":140737215201280,"len":2097152,"access":"w"}
 *     {"op":"madvise","addr":140737215201280,"len":2097152,"advice":"dontneed"}
 *
 * Numbers are bytes, below 2^53; `at` of any operation is when it took effect on the program's clock, in nanoseconds since the
 * trace began. Blank lines are allowed. A reader refuses a newer version, and skips and reports lines
 * that are not an operation.
 */
import type { Operation } from "../operation.ts";
import { ADDRESS_END, ADVICE, PROTS } from "./abi.ts";
import { ImportError } from "./error.ts";
import { eachLine, type LineBlock } from "./lines.ts";
import type { ImportReport } from "./report.ts";

export const OPS_FORMAT = "reclaim-lab-ops";
const OPS_VERSION = 1;

export interface OpsHeader {
  readonly format: typeof OPS_FORMAT;
  readonly version: number;
  readonly title?: string;
  /** How many operations follow. */
  readonly operations?: number;
  /** The file is about the process that was forked last. */
  readonly follow?: boolean;
}

/** The header line, with its end. */
export function opsHeaderLine(header: Pick<OpsHeader, "title" | "operations" | "follow">): string {
  return `${JSON.stringify({ format: OPS_FORMAT, version: OPS_VERSION, ...header })}\n`;
}

/** One operation's line, with its end. */
export function operationLine(operation: Operation): string {
  return `${JSON.stringify(operation)}\n`;
}

type Check = (value: unknown) => boolean;

/** Numbers of a file's range and size, and addresses of five levels of tables: above 2^53 those of pages are exact. */
const isBytes: Check = (value) =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= ADDRESS_END;
const isCount: Check = (value) => typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
/** Of every operation. */
const CLOCK: Readonly<Record<string, Check>> = {
  at: isCount,
  stack: (value) =>
    Array.isArray(value) &&
    value.length <= 512 &&
    value.every((frame) => typeof frame === "string" && frame.length <= 1000),
};
const isFlag: Check = (value) => typeof value === "boolean";
function oneOf(...values: readonly string[]): Check {
  return (value) => typeof value === "string" && values.includes(value);
}

const isProt = oneOf(...PROTS);
const isBacking = oneOf("anon", "shared", "file", "sharedfile", "hugetlb");
const isMmapFlag = oneOf(
  "populate",
  "locked",
  "noreserve",
  "growsdown",
  "stack",
  "hugepage",
  "nohugepage",
  "noreplace",
);
/** Pairs of a first page and a number of pages. */
const isRuns: Check = (value) => Array.isArray(value) && value.length % 2 === 0 && value.every(isCount);
const isAdvice = oneOf(...Object.values(ADVICE), "pt_reclaim");

interface Shape {
  readonly required: Readonly<Record<string, Check>>;
  readonly optional: Readonly<Record<string, Check>>;
}

const RANGE = { addr: isBytes, len: isBytes };
const PROCESS = { process: isCount };
const NAMED = { pid: isCount, comm: (value: unknown) => typeof value === "string" && value.length <= 100 };
const ANSWERED = { answered: oneOf("ENOMEM", "EINVAL", "EAGAIN") };

/** The fields of every operation. */
const SHAPES: Readonly<Record<Operation["op"], Shape>> = {
  mmap: {
    required: { ...RANGE, prot: isProt, backing: isBacking },
    optional: {
      ...PROCESS,
      flags: (value) => Array.isArray(value) && value.length <= 16 && value.every(isMmapFlag),
      file: isCount,
      offset: isBytes,
      shmem: isFlag,
    },
  },
  munmap: { required: RANGE, optional: PROCESS },
  touch: {
    required: { ...RANGE, access: oneOf("r", "w") },
    optional: { ...PROCESS, stride: (value) => isBytes(value) && value !== 0 },
  },
  madvise: {
    required: { ...RANGE, advice: isAdvice },
    optional: {
      ...PROCESS,
      ...ANSWERED,
      step: (value) => isBytes(value) && value !== 0,
      via: (value) => value === "self" || isCount(value),
    },
  },
  mprotect: { required: { ...RANGE, prot: isProt }, optional: { ...PROCESS, ...ANSWERED } },
  mremap: { required: RANGE, optional: { ...PROCESS, to: isBytes, newLen: isBytes, dontUnmap: isFlag } },
  mlock: { required: RANGE, optional: { ...PROCESS, ...ANSWERED, onFault: isFlag } },
  munlock: { required: RANGE, optional: PROCESS },
  mlockall: { required: {}, optional: { ...PROCESS, current: isFlag, future: isFlag, onFault: isFlag } },
  brk: { required: { addr: isBytes }, optional: PROCESS },
  fork: { required: {}, optional: { ...PROCESS, ...NAMED } },
  exit: { required: {}, optional: PROCESS },
  exec: { required: {}, optional: { ...PROCESS, ...NAMED } },
  uffd: {
    required: { ...RANGE, action: oneOf("register", "unregister", "wp", "unwp", "move") },
    optional: { ...PROCESS, from: isBytes },
  },
  snapshot: {
    required: { ...RANGE, prot: isProt, backing: isBacking, pages: isRuns, empty: isRuns },
    optional: {
      ...PROCESS,
      flags: (value) => Array.isArray(value) && value.length <= 16 && value.every(isMmapFlag),
      file: isCount,
      offset: isBytes,
      shmem: isFlag,
      more: isFlag,
      released: isRuns,
    },
  },
  uffdmode: { required: { mode: oneOf("sync", "async") }, optional: PROCESS },
  punch: { required: RANGE, optional: { file: isCount } },
  truncate: { required: { size: isBytes }, optional: { file: isCount } },
  swapout: { required: RANGE, optional: PROCESS },
  swapin: { required: RANGE, optional: PROCESS },
  tick: { required: { ms: (value) => typeof value === "number" && value >= 0 && value <= 1e12 }, optional: {} },
};

/**
 * A parsed JSON value as an operation, or why it is not one. The engine decides whether the kernel would accept it.
 */
function readOperation(value: unknown): Operation | string {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "it is not a JSON object";
  const fields = value as Readonly<Record<string, unknown>>;
  const op = fields.op;
  if (typeof op !== "string" || !Object.hasOwn(SHAPES, op)) {
    return `op is ${JSON.stringify(op)?.slice(0, 40) ?? "missing"}; it must be one of ${Object.keys(SHAPES).join(", ")}`;
  }
  const { required, optional } = SHAPES[op as Operation["op"]];
  for (const [name, check] of Object.entries(required)) {
    if (!Object.hasOwn(fields, name)) return `${op} needs ${name}`;
    if (!check(fields[name])) return `${name} of ${op} cannot be ${JSON.stringify(fields[name])?.slice(0, 40)}`;
  }
  for (const name of Object.keys(fields)) {
    if (name === "op" || Object.hasOwn(required, name)) continue;
    const check = Object.hasOwn(optional, name) ? optional[name] : Object.hasOwn(CLOCK, name) ? CLOCK[name] : null;
    if (check === null) return `${op} has no ${name.slice(0, 40)}`;
    if (!check(fields[name])) return `${name} of ${op} cannot be ${JSON.stringify(fields[name])?.slice(0, 40)}`;
  }
  return value as Operation;
}

const HEADER = `the header {"format":"${OPS_FORMAT}","version":${OPS_VERSION}}`;

/** Reads the header from the first non-blank line. Throws ImportError where it is none, or of a newer version. */
function readOpsHeader(line: string): OpsHeader {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new ImportError(`its first line is not ${HEADER}`);
  }
  const header = (typeof value === "object" && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
  if (header.format !== OPS_FORMAT) {
    throw new ImportError(`its first line is not ${HEADER}`);
  }
  if (header.version !== OPS_VERSION) {
    throw new ImportError(
      `it is of version ${JSON.stringify(header.version)}; this reclaim-lab reads version ${OPS_VERSION}`,
    );
  }
  return {
    format: OPS_FORMAT,
    version: OPS_VERSION,
    ...(typeof header.title === "string" ? { title: header.title.slice(0, 200) } : {}),
    ...(isCount(header.operations) ? { operations: header.operations as number } : {}),
    ...(typeof header.follow === "boolean" ? { follow: header.follow } : {}),
  };
}

/**
 * The operations of a workload file, a block of the file at a time. Invalid lines are reported and skipped. Throws ImportError
 * where none is valid.
 */
export async function* readOperations(
  blocks: AsyncIterable<LineBlock>,
  report: ImportReport,
  onHeader?: (header: OpsHeader) => void,
): AsyncGenerator<readonly Operation[]> {
  let headerRead = false;
  let count = 0;
  let firstProblem: string | undefined;
  for await (const block of blocks) {
    const operations: Operation[] = [];
    const refuse = (line: number, why: string): void => {
      firstProblem ??= `line ${line}: ${why}`;
      report.problem("bad_operation", line, why);
    };
    eachLine(block, (text, line) => {
      if (text.trim() === "") return;
      if (!headerRead) {
        const header = readOpsHeader(text);
        onHeader?.(header);
        headerRead = true;
        return;
      }
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch {
        refuse(line, `not JSON: ${text.slice(0, 80)}`);
        return;
      }
      const operation = readOperation(value);
      if (typeof operation === "string") {
        refuse(line, operation);
        return;
      }
      report.events++;
      operations.push(operation);
    });
    count += operations.length;
    yield operations;
  }
  if (count > 0) return;
  throw new ImportError(headerRead ? "it has no operation" : `it does not begin with ${HEADER}`, {
    why: firstProblem,
    todo: 'A line behind the header is an operation, such as {"op":"touch","addr":4096,"len":4096,"access":"w"}',
  });
}
