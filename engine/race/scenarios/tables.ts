/** DONTNEED against the other code that walks or detaches tables: khugepaged and UFFDIO_MOVE. */

import { collapseFile } from "../../mm/collapse-file.ts";
import { MappedFile } from "../../mm/file.ts";
import { PMD_PAGES } from "../../mm/geometry.ts";
import { uffdOf } from "../../mm/userfaultfd.ts";
import { VM_READ, VM_SHARED, VM_WRITE } from "../../mm/vma.ts";
import { fill, mapAnon, mapShared, type Scenario, valueAt } from "../scenario.ts";
import { sysCollapse, sysDontneed, sysUffdMove } from "../syscalls.ts";
import { userWrite } from "../user.ts";

const SLOT = PMD_PAGES;
/** Where UFFDIO_MOVE takes its page from: a mapping of its own, with a gap before it. */
const SOURCE = 2 * SLOT;

export const khugepagedRetract: Scenario = {
  name: "khugepaged-retract",
  title: "khugepaged collapses a file's pages while DONTNEED empties the table that maps them",
  story:
    "collapse_file() has put the small pages of 2 MiB into one huge folio and takes their PTE table away from every process " +
    "that maps them (retract_page_tables). It holds no mmap lock. It has read the PMD entry before it takes the PMD lock; in " +
    "between DONTNEED may have detached the same table.",
  patches: ["1"],
  findings: {
    "1":
      "Without the recheck khugepaged goes on with whatever the PMD entry holds once it has the lock. DONTNEED has cleared it, so " +
      "pte_lockptr() takes the lock of a table that is not there; what would follow is a second mm_dec_nr_ptes() and " +
      "pte_free_defer() for the same slot: the table would be counted off and freed twice. The patch rechecks the entry's state " +
      "under the lock. State, not identity, is enough: the new folio is locked, so a table that was refilled is empty.",
  },
  batchFails: false,
  prepare(world) {
    const file = new MappedFile(1, true, SLOT);
    world.k.files.set(1, file);
    mapShared(world, world.base, SLOT, file, VM_READ | VM_WRITE | VM_SHARED);
    fill(world, world.base, 1);
  },
  lanes: [
    { name: "DONTNEED", path: (world) => sysDontneed(world, world.base, world.base + SLOT) },
    {
      name: "khugepaged",
      *path(world) {
        const vma = world.mm.vmas.lookup(world.base);
        if (vma !== undefined) yield* collapseFile(world.k, null, vma, world.base);
      },
    },
  ],
  goal: null,
};

export const anonymousCollapse: Scenario = {
  name: "anonymous-collapse",
  title: "khugepaged collapses anonymous memory while DONTNEED empties the table that maps it",
  story:
    "collapse_huge_page() holds the mmap lock for writing. Since 6.17 DONTNEED takes only the lock of the VMA, for reading, so the " +
    "mmap lock no longer keeps it out: vma_start_write() does, which waits for it. A third thread writes to a page of the slot " +
    "before, in between or after.",
  patches: ["617fix"],
  findings: {
    "617fix":
      "In 6.17 the PMD entry was checked before vma_start_write(). While khugepaged waited there, a DONTNEED could free the table, " +
      "and khugepaged went on with what it had checked: it took the lock of a freed table, cleared its entries, and deposited it " +
      'under the huge page. In the field this was a general protection fault, or "Bad page map" at the end of the process. ' +
      "The fix moves the check behind vma_start_write(), when nobody can free the table any more.",
  },
  batchFails: false,
  prepare(world) {
    mapAnon(world, world.base, SLOT);
    fill(world, world.base, 1);
    fill(world, world.base + 1, 2);
  },
  lanes: [
    { name: "DONTNEED", path: (world) => sysDontneed(world, world.base, world.base + SLOT) },
    { name: "khugepaged", path: (world) => sysCollapse(world, world.base) },
    { name: "writer", path: (world) => userWrite(world, world.base + 1, 7) },
  ],
  goal(world) {
    // The writer's value, or nothing where DONTNEED came last; the first page was discarded whoever came first.
    const [first, second] = [valueAt(world, world.base), valueAt(world, world.base + 1)];
    if (first === 0 && (second === 0 || second === 7)) return null;
    return { invariant: "no write lost", detail: `the pages hold ${first} and ${second}, which nobody left there` };
  },
};

export const uffdioMove: Scenario = {
  name: "uffdio-move",
  title: "UFFDIO_MOVE moves a page into 2 MiB that DONTNEED is emptying",
  story:
    "move_pages_pte() maps the destination's table, looks at both entries, and then locks both tables. DONTNEED of the " +
    "destination may detach the table in between. Inside rcu_read_lock its memory stays, and its entries are still none, as " +
    "they were when they were looked at.",
  patches: ["2"],
  findings: {
    "2":
      "Without the recheck only the two PTEs are compared. The destination's entry is none in the detached table as well, so the " +
      "page is moved there: it has left its source, no table that the process can reach maps it, and what was written to it is " +
      "lost. The patch also compares the destination's PMD entry with what it was; if it changed, the move starts again.",
  },
  batchFails: false,
  prepare(world) {
    mapAnon(world, world.base, SLOT);
    mapAnon(world, world.base + SOURCE, SLOT);
    fill(world, world.base + 3, 5);
    fill(world, world.base + SOURCE, 7);
    const dst = world.mm.vmas.lookup(world.base);
    world.mm.uffdMode = "sync";
    if (dst !== undefined) dst.uffd = uffdOf(world.mm);
  },
  lanes: [
    { name: "DONTNEED", path: (world) => sysDontneed(world, world.base, world.base + SLOT) },
    { name: "UFFDIO_MOVE", path: (world) => sysUffdMove(world, world.base, world.base + SOURCE, 1) },
  ],
  goal(world) {
    // Moved and then discarded, or moved afterwards: never still at its source.
    if (valueAt(world, world.base + SOURCE) === 0) return null;
    return { invariant: "a move that returns has moved the page", detail: "the page is still at its source" };
  },
};
