/**
 * Scenarios of the user's own: a small text file with a set-up and two to four lanes, in the words of conformance scripts
 * (docs/conformance-scripts.md). Offsets are from the start of the scenario's memory.
 *
 *     title DONTNEED of one half while the other is unmapped
 *     setup
 *       map 0 1M rw
 *       map 1M 1M rw reserve
 *       touch 0 8K
 *     lane DONTNEED
 *       dontneed 0 1M
 *     lane munmap
 *       unmap 1M 1M
 */

import { BadInputError } from "../error.ts";
import { MappedFile } from "../mm/file.ts";
import { PMD_PAGES } from "../mm/geometry.ts";
import type { Path } from "../mm/sched.ts";
import { VM_NORESERVE, VM_READ, VM_SHARED, VM_WRITE } from "../mm/vma.ts";
import { ARENA_BASE, parseConformLine, scriptText } from "../workload/conform-script.ts";
import type { MmapOp, Operation } from "../workload/operation.ts";
import { PAGE } from "../workload/sizes.ts";
import type { World } from "./machine.ts";
import { fill, type Lane, mapAnon, mapShared, RACE_PATCHES, type Scenario, timerLane } from "./scenario.ts";
import { sysCollapse, sysDontneed, sysFork, sysMprotect, sysMremap, sysMunmap, sysPopulateWrite } from "./syscalls.ts";
import { CPUS_MAX } from "./trace.ts";
import { userRead, userWrite } from "./user.ts";
import { gupFast, rmapWalk } from "./walkers.ts";

/** Of the file. */
const LINES_MAX = 200;
/** One PMD table: 1 GiB of memory. */
const PAGES_MAX = PMD_PAGES * PMD_PAGES;
/** Pages that one word of a lane touches: each is a few steps, and steps multiply. */
const TOUCHED_MAX = 8;
const OPERATIONS_MAX = 6;

const LANE_WORDS = "touch, dontneed, unmap, protect, mremap, fork, populate, collapse, gup, rmap, timer CPU";
const TODO = "docs/races.md shows a scenario file";

type Step = (world: World) => Path<unknown>;
/** `values`: what the next page that is written to holds. */
type SetUpStep = (world: World, values: { next: number }) => void;

interface Line {
  readonly text: string;
  readonly where: string;
}

function refuse(what: string, { where, text }: Line): never {
  throw new BadInputError(what, { where, why: text === "" ? undefined : `"${text.slice(0, 80)}"`, todo: TODO });
}

const flagsOf = (prot: string): number => (prot === "rw" ? VM_READ | VM_WRITE : prot === "r" ? VM_READ : 0);

/** A range in pages from the start of the scenario's memory. */
function pages(addr: number, len: number, line: Line): readonly [start: number, end: number] {
  const start = (addr - ARENA_BASE) / PAGE;
  const end = start + Math.ceil(len / PAGE);
  if (start < 0 || end > PAGES_MAX) refuse("a scenario's memory ends at 1G", line);
  if (end <= start) refuse("the range is empty", line);
  return [start, end];
}

function operationOf(line: Line): Operation {
  const { operations } = parseConformLine(line.text, line.where);
  if (operations.length !== 1) refuse("this word cannot be part of a scenario", line);
  return operations[0];
}

function mapped(op: MmapOp, line: Line): SetUpStep {
  const [start, end] = pages(op.addr, op.len, line);
  const flags = flagsOf(op.prot);
  const noReserve = op.flags?.includes("noreserve") ? VM_NORESERVE : 0;
  if (op.backing === "anon") return (world) => mapAnon(world, world.base + start, end - start, flags | noReserve);
  if (op.backing !== "shared") refuse("a scenario maps private or shared anonymous memory", line);
  return (world, values) => {
    const file = new MappedFile(values.next++, true, end - start);
    world.k.files.set(file.id, file);
    mapShared(world, world.base + start, end - start, file, flags | VM_SHARED);
  };
}

function setUp(line: Line): SetUpStep {
  const op = operationOf(line);
  if (op.op === "mmap") return mapped(op, line);
  if (op.op !== "touch" || op.access !== "w") refuse("a set-up is made of map and touch", line);
  const [start, end] = pages(op.addr, op.len, line);
  const stride = (op.stride ?? PAGE) / PAGE;
  if ((end - start) / stride > PMD_PAGES) refuse(`a set-up touches at most ${PMD_PAGES} pages at a time`, line);
  return (world, values) => {
    for (let at = start; at < end; at += stride) fill(world, world.base + at, values.next++);
  };
}

/** What is written in lanes begins here; set-ups write smaller numbers. */
const LANE_VALUES = 100_000;

function touches(line: Line, start: number, end: number, stride: number, write: boolean, value: number): Step {
  if ((end - start) / stride > TOUCHED_MAX) refuse(`a lane touches at most ${TOUCHED_MAX} pages at a time`, line);
  return function* (world) {
    for (let at = start; at < end; at += stride) {
      if (write) yield* userWrite(world, world.base + at, value);
      else yield* userRead(world, world.base + at);
    }
  };
}

function laneStep(line: Line, value: number): Step {
  const [word, ...rest] = line.text.split(/\s+/);
  if (word === "gup" || word === "rmap") {
    const touch = operationOf({ text: `touch ${rest.join(" ")} 4K`, where: line.where });
    const [page] = touch.op === "touch" ? pages(touch.addr, touch.len, line) : [0];
    return word === "gup"
      ? (world) => gupFast(world, world.base + page)
      : (world) => rmapWalk(world, world.base + page);
  }
  if (word === "timer") {
    const cpu = Number(rest[0]);
    if (rest.length !== 1 || !Number.isInteger(cpu) || cpu < 0 || cpu >= CPUS_MAX)
      refuse(`timer takes the number of a lane, 0 to ${CPUS_MAX - 1}`, line);
    return timerLane(cpu).path;
  }
  if (word === "fork" && rest.length === 0) return (world) => sysFork(world);
  const op = operationOf(line);
  if (!("addr" in op) || !("len" in op)) return refuse(`a lane is made of ${LANE_WORDS}`, line);
  const [start, end] = pages(op.addr, op.len, line);
  switch (op.op) {
    case "touch":
      return touches(line, start, end, (op.stride ?? PAGE) / PAGE, op.access === "w", value);
    case "munmap":
      return (world) => sysMunmap(world, world.base + start, world.base + end);
    case "mprotect":
      return (world) => sysMprotect(world, world.base + start, world.base + end, flagsOf(op.prot));
    case "mremap": {
      if (op.to === undefined || op.dontUnmap) return refuse("a lane moves to a place that it names", line);
      const [to] = pages(op.to, op.len, line);
      return (world) => sysMremap(world, world.base + start, world.base + end, world.base + to);
    }
    case "madvise":
      if (op.step !== undefined || op.via !== undefined) break;
      if (op.advice === "dontneed") return (world) => sysDontneed(world, world.base + start, world.base + end);
      if (op.advice === "populate_write" && end - start === 1)
        return (world) => sysPopulateWrite(world, world.base + start);
      if (op.advice === "collapse" && end - start === PMD_PAGES && start % PMD_PAGES === 0)
        return (world) => sysCollapse(world, world.base + start);
      break;
    default:
  }
  return refuse(`a lane is made of ${LANE_WORDS} (populate: of one page; collapse: of an aligned 2M)`, line);
}

interface Parsed {
  title: string;
  batchFails: boolean;
  readonly setUps: SetUpStep[];
  readonly lanes: { readonly name: string; readonly steps: Step[] }[];
}

function readLines(text: string, where: string): Line[] {
  const lines = text.split(/\r?\n/);
  if (lines.length > LINES_MAX)
    throw new BadInputError("This scenario is too long", {
      where,
      why: `it has more than ${LINES_MAX} lines`,
      todo: TODO,
    });
  return lines
    .map((line, at) => ({ text: scriptText(line.trim()), where: `${where}:${at + 1}` }))
    .filter((line) => line.text !== "");
}

function parse(lines: readonly Line[]): Parsed {
  const parsed: Parsed = { title: "", batchFails: false, setUps: [], lanes: [] };
  let part: "head" | "setup" | "lane" = "head";
  for (const line of lines) {
    const [word, ...rest] = line.text.split(/\s+/);
    const lane = parsed.lanes.at(-1);
    if (word === "title" && part === "head") parsed.title = rest.join(" ").slice(0, 120);
    else if (word === "nobatch" && rest.length === 0) parsed.batchFails = true;
    else if (word === "setup" && rest.length === 0) part = "setup";
    else if (word === "lane") {
      if (parsed.lanes.length === CPUS_MAX) refuse(`a scenario has at most ${CPUS_MAX} lanes`, line);
      parsed.lanes.push({ name: rest.join(" ").slice(0, 40) || `lane ${parsed.lanes.length}`, steps: [] });
      part = "lane";
    } else if (part === "setup") parsed.setUps.push(setUp(line));
    else if (lane !== undefined) {
      if (lane.steps.length === OPERATIONS_MAX) refuse(`a lane has at most ${OPERATIONS_MAX} operations`, line);
      lane.steps.push(laneStep(line, LANE_VALUES * parsed.lanes.length + lane.steps.length));
    } else refuse("a scenario begins with title, setup or lane", line);
  }
  return parsed;
}

/**
 * Reads a scenario. `name`: what it is called in results. It is tried without every patch of the series. Errors: BadInputError with
 * the line and what is wrong with it.
 */
export function parseScenario(text: string, where: string, name: string): Scenario {
  const parsed = parse(readLines(text, where));
  if (parsed.lanes.length < 2)
    throw new BadInputError("A scenario needs two lanes or more", {
      where,
      why: `it has ${parsed.lanes.length}`,
      todo: TODO,
    });
  for (const lane of parsed.lanes)
    if (lane.steps.length === 0) throw new BadInputError(`Lane ${lane.name} does nothing`, { where, todo: TODO });
  return {
    name,
    title: parsed.title || name,
    story: "",
    patches: RACE_PATCHES,
    findings: {},
    batchFails: parsed.batchFails,
    prepare(world) {
      const values = { next: 1 };
      for (const step of parsed.setUps) step(world, values);
    },
    lanes: parsed.lanes.map(
      ({ name: heading, steps }): Lane => ({
        name: heading,
        *path(world) {
          for (const step of steps) yield* step(world);
        },
      }),
    ),
    goal: null,
  };
}
