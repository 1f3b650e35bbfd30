import type { Operation } from "../operation.ts";
import { GIB, MIB, TIB } from "../sizes.ts";
import { arenaFor, bytesParam, countParam, num, type Preset } from "./preset.ts";

const BLOCK = 4 * MIB;

/** A server that forks from a large heap: every table it has is copied, empty ones too. */
export const forkServer: Preset = {
  name: "fork-server",
  title: "A fork server",
  description:
    "A parent with a large heap, most of it released, forks workers. fork copies every table of a written mapping, empty ones " +
    "too: what the series frees in the parent need not be copied for each child. VmPTE shown is the parent's; the tables " +
    "allocated count all.",
  params: [
    bytesParam("heap", "Heap", "Memory the parent has used once.", {
      min: BLOCK,
      max: TIB,
      default: 8 * GIB,
      multipleOf: BLOCK,
    }),
    {
      name: "released",
      label: "Released",
      description: "How much of it is released before the first fork, in percent.",
      type: "percent",
      min: 0,
      max: 100,
      default: 90,
    },
    bytesParam("written", "Written by a child", "How much of the heap a child writes before it ends.", {
      min: 0,
      max: TIB,
      default: 64 * MIB,
      multipleOf: BLOCK,
      atMost: "heap",
    }),
    countParam("children", "Children", "How many children are forked, one after the other.", {
      min: 1,
      max: 1000,
      default: 32,
    }),
  ],
  sources: [
    {
      title: "Linux, mm/memory.c: copy_page_range, vma_needs_copy",
      reference: "https://github.com/torvalds/linux/blob/master/mm/memory.c",
      used: "Every existing PTE table of a mapping with an anon_vma is copied at fork.",
    },
  ],
  operationCount(params) {
    const blocks = num(params, "heap") / BLOCK;
    const released = Math.round((blocks * num(params, "released")) / 100);
    return 1 + blocks + released + num(params, "children") * (2 + num(params, "written") / BLOCK);
  },
  *operations(params): Generator<Operation> {
    const heap = num(params, "heap");
    const blocks = heap / BLOCK;
    const released = Math.round((blocks * num(params, "released")) / 100);
    const base = arenaFor(heap);
    yield { op: "mmap", addr: base, len: heap, prot: "rw", backing: "anon" };
    for (let block = 0; block < blocks; block++) {
      yield { op: "touch", addr: base + block * BLOCK, len: BLOCK, access: "w" };
    }
    for (let block = blocks - released; block < blocks; block++) {
      yield { op: "madvise", addr: base + block * BLOCK, len: BLOCK, advice: "dontneed" };
    }
    for (let child = 1; child <= num(params, "children"); child++) {
      yield { op: "fork" };
      for (let at = 0; at < num(params, "written"); at += BLOCK) {
        yield { op: "touch", addr: base + at, len: BLOCK, access: "w", process: child };
      }
      yield { op: "exit", process: child };
    }
  },
};
