/** Two mappings in one 2 MiB slot: DONTNEED of one, under that one's lock, while something happens to the other. */

import { VM_NORESERVE, VM_READ, VM_WRITE } from "../../mm/vma.ts";
import { fill, type Lane, mapAnon, type Scenario, valueAt, type World } from "../scenario.ts";
import { sysDontneed, sysFork, sysMremap, sysMunmap } from "../syscalls.ts";
import { userWrite } from "../user.ts";

const HALF = 256;

/** Two halves that do not join; a value in the first, and in the second where `other` is one. */
function halves(world: World, other: number): void {
  mapAnon(world, world.base, HALF);
  mapAnon(world, world.base + HALF, HALF, VM_READ | VM_WRITE | VM_NORESERVE);
  fill(world, world.base, 1);
  if (other !== 0) fill(world, world.base + HALF, other);
}

const dontneed: Lane = {
  name: "DONTNEED",
  path: (world) => sysDontneed(world, world.base, world.base + HALF),
};
const writer: Lane = { name: "writer", path: (world) => userWrite(world, world.base + HALF + 1, 7) };

const WHY =
  "The series never frees this table: its 2 MiB lie in two mappings. A policy that looks whenever something was given back may, " +
  "and holds the lock of one mapping only.";

export const sharedSlotFault: Scenario = {
  name: "shared-slot-fault",
  title: "DONTNEED of one mapping of a slot while the other faults",
  story: `${WHY} A thread writes to the other mapping under that one's lock, so nothing but the table's own locks keeps the two apart.`,
  patches: [],
  findings: {},
  batchFails: false,
  prepare: (world) => halves(world, 0),
  lanes: [dontneed, writer],
  goal: null,
};

export const sharedSlotUnmap: Scenario = {
  name: "shared-slot-unmap",
  title: "DONTNEED of one mapping of a slot while the other is unmapped",
  story: `${WHY} munmap() of the other zaps its half and, since a mapping is left in the slot, leaves the table; either may find it empty.`,
  patches: [],
  findings: {},
  batchFails: false,
  prepare: (world) => halves(world, 2),
  lanes: [
    dontneed,
    { name: "munmap", path: (world) => sysMunmap(world, world.base + HALF, world.base + 2 * HALF) },
    { name: "refault", path: (world) => userWrite(world, world.base + 1, 7) },
  ],
  goal: null,
};

export const sharedSlotMove: Scenario = {
  name: "shared-slot-move",
  title: "DONTNEED of one mapping of a slot while the other is moved away",
  story: `${WHY} mremap() moves the entries of the other half one by one (move_ptes) and holds no lock of the first mapping.`,
  patches: [],
  findings: {},
  batchFails: false,
  prepare: (world) => halves(world, 2),
  lanes: [
    dontneed,
    {
      name: "mremap",
      path: (world) => sysMremap(world, world.base + HALF, world.base + 2 * HALF, world.base + 8 * HALF),
    },
  ],
  goal(world) {
    const value = valueAt(world, world.base + 8 * HALF);
    if (value === 2) return null;
    return { invariant: "no write lost", detail: `after mremap() the page holds ${value}, not 2` };
  },
};

export const sharedSlotFork: Scenario = {
  name: "shared-slot-fork",
  title: "DONTNEED of one mapping of a slot while the process forks",
  story: `${WHY} fork() locks every mapping for writing, so DONTNEED comes before or after it as a whole; the writer does not wait.`,
  patches: [],
  findings: {},
  batchFails: false,
  prepare: (world) => halves(world, 0),
  lanes: [dontneed, { name: "fork", path: (world) => sysFork(world) }, writer],
  goal: null,
};
