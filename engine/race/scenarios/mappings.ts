/** DONTNEED against system calls that change mappings: munmap, mprotect, mremap, fork. */

import { PMD_PAGES } from "../../mm/geometry.ts";
import { VM_NORESERVE, VM_READ, VM_WRITE } from "../../mm/vma.ts";
import { fill, mapAnon, type Scenario, valueAt, type World } from "../scenario.ts";
import { sysDontneed, sysFork, sysMprotect, sysMremap, sysMunmap } from "../syscalls.ts";
import { userRead, userWrite } from "../user.ts";

const SLOT = PMD_PAGES;

function oneSlot(world: World): void {
  mapAnon(world, world.base, SLOT);
  fill(world, world.base, 1);
  fill(world, world.base + 1, 2);
}

const dontneed = (world: World): ReturnType<typeof sysDontneed> => sysDontneed(world, world.base, world.base + SLOT);

export const munmapNeighbour: Scenario = {
  name: "munmap-neighbour",
  title: "DONTNEED beside munmap of the next mapping",
  story:
    "The two mappings have PTE tables of their own and share the PMD table above them. munmap() locks only the mapping that " +
    "goes, so free_pgtables() clears its PMD entry while DONTNEED clears its own in the same PMD table, and a third thread " +
    "faults a page in again.",
  patches: [],
  findings: {},
  batchFails: false,
  prepare(world) {
    oneSlot(world);
    // Another flag, so that the two are not joined.
    mapAnon(world, world.base + SLOT, SLOT, VM_READ | VM_WRITE | VM_NORESERVE);
    fill(world, world.base + SLOT, 3);
  },
  lanes: [
    { name: "DONTNEED", path: dontneed },
    { name: "munmap", path: (world) => sysMunmap(world, world.base + SLOT, world.base + 2 * SLOT) },
    { name: "writer", path: (world) => userWrite(world, world.base + 1, 7) },
  ],
  goal: null,
};

export const forkSource: Scenario = {
  name: "fork",
  title: "DONTNEED against fork",
  story:
    "dup_mmap() copies the tables under the mmap lock and every VMA's lock, held for writing: DONTNEED comes before or after it " +
    "as a whole. A third thread writes all the while, without any lock but those of its faults.",
  patches: [],
  findings: {},
  batchFails: false,
  prepare: oneSlot,
  lanes: [
    { name: "DONTNEED", path: dontneed },
    { name: "fork", path: (world) => sysFork(world) },
    { name: "writer", path: (world) => userWrite(world, world.base + 1, 7) },
  ],
  goal: null,
};

export const mprotectRange: Scenario = {
  name: "mprotect",
  title: "DONTNEED against mprotect of the same range",
  story:
    "change_pte_range() looks for the table under the write lock of the VMA, so DONTNEED comes before or after it as a whole; the " +
    "reader keeps using translations that either of them flushes.",
  patches: [],
  findings: {},
  batchFails: false,
  prepare: oneSlot,
  lanes: [
    { name: "DONTNEED", path: dontneed },
    { name: "mprotect", path: (world) => sysMprotect(world, world.base, world.base + SLOT, VM_READ) },
    { name: "reader", path: (world) => userRead(world, world.base) },
  ],
  goal: null,
};

export const mremapRange: Scenario = {
  name: "mremap",
  title: "DONTNEED against mremap of the same range",
  story:
    "mremap() moves the whole PTE table from one PMD entry to another (move_normal_pmd), or finds that DONTNEED has taken it. A " +
    "reverse-map walker looks at the old place without any lock of the mapping.",
  patches: [],
  findings: {},
  batchFails: false,
  prepare: oneSlot,
  lanes: [
    { name: "DONTNEED", path: dontneed },
    { name: "mremap", path: (world) => sysMremap(world, world.base, world.base + SLOT, world.base + 4 * SLOT) },
    { name: "reader", path: (world) => userRead(world, world.base) },
  ],
  goal(world) {
    const values = [0, 1].map((at) => [valueAt(world, world.base + at), valueAt(world, world.base + 4 * SLOT + at)]);
    const whole = values.every(([, moved], at) => moved === at + 1) || values.every(([, moved]) => moved === 0);
    if (whole && values.every(([old]) => old === 0)) return null;
    return {
      invariant: "no write lost",
      detail: `after mremap() the pages hold ${JSON.stringify(values)} (old place, new place)`,
    };
  },
};
