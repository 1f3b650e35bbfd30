/** DONTNEED against what else happens to its range: refaults, other DONTNEEDs, breaks in the middle. */

import type { ReclaimFeatures } from "../../mm/features.ts";
import { PMD_PAGES } from "../../mm/geometry.ts";
import type { Violation } from "../program.ts";
import { fill, mapAnon, type Scenario, tableOf, timerLane, valueAt, type World } from "../scenario.ts";
import { sysDontneed, sysPopulateWrite } from "../syscalls.ts";
import { userRead, userWrite } from "../user.ts";

const SLOT = PMD_PAGES;

function dontneedSlot(world: World): ReturnType<typeof sysDontneed> {
  return sysDontneed(world, world.base, world.base + SLOT);
}

/** One slot with values in its first two pages. */
function oneSlot(world: World): void {
  mapAnon(world, world.base, SLOT);
  fill(world, world.base, 1);
  fill(world, world.base + 1, 2);
}

const RECLAIMED = "an emptied table is reclaimed";

export const refaultResched: Scenario = {
  name: "refault-resched",
  title: "DONTNEED is interrupted in the middle of a table while another thread writes to it",
  story:
    "zap_pte_range() gives way when need_resched() says so: it drops the PTE lock and later goes on where it stopped. In " +
    "between another thread may write to a page that was zapped before the break. At the end of the range the table is not " +
    "empty, although every entry was seen empty once.",
  patches: ["9fix"],
  findings: {
    "9fix":
      "As first merged, the fast path was taken whenever the end of the range was reached, also after a break. The table that " +
      "was refilled during the break is detached with the page in it: the write is lost. The fix takes the fast path only if " +
      "the PTE lock was never dropped; otherwise try_to_free_pte() looks at all 512 entries again.",
  },
  batchFails: false,
  prepare: oneSlot,
  lanes: [
    { name: "DONTNEED", path: dontneedSlot },
    { name: "writer", path: (world) => userWrite(world, world.base, 7) },
    timerLane(0),
  ],
  goal: null,
};

export const slowPathRefault: Scenario = {
  name: "slow-path-refault",
  title: "The slow path rechecks the table while another thread writes to its last page",
  story:
    "A fault in the next 2 MiB holds the PMD lock, so DONTNEED's trylock may fail and it takes the slow path: the PTE lock is " +
    "dropped, then both locks are taken in order. Between the two a third thread may write to the table's last page; the " +
    "recheck must see it.",
  patches: [],
  findings: {},
  batchFails: false,
  prepare(world) {
    mapAnon(world, world.base, 2 * SLOT);
    fill(world, world.base + SLOT - 1, 1);
  },
  lanes: [
    { name: "DONTNEED", path: dontneedSlot },
    { name: "writer", path: (world) => userWrite(world, world.base + SLOT - 1, 7) },
    { name: "next slot", path: (world) => userWrite(world, world.base + SLOT, 9) },
  ],
  goal: null,
};

export const twoDontneeds: Scenario = {
  name: "two-dontneeds",
  title: "Two DONTNEEDs of one range",
  story:
    "Both hold the VMA lock for reading, so they run side by side. Each may find the table empty because the other one emptied " +
    "it; only one may detach it, and it may be freed once.",
  patches: [],
  findings: {},
  batchFails: false,
  prepare: oneSlot,
  lanes: [
    { name: "DONTNEED", path: dontneedSlot },
    { name: "DONTNEED too", path: dontneedSlot },
  ],
  goal: null,
};

export const twoRefaults: Scenario = {
  name: "two-refaults",
  title: "Two threads populate two pages of the slot that DONTNEED is emptying",
  story:
    "When DONTNEED has taken the table, both faults find the PMD entry none and bring a new table along. One is installed, under " +
    "the PMD lock; the other fault must see it there and give its own back.",
  patches: [],
  findings: {},
  batchFails: false,
  prepare(world) {
    mapAnon(world, world.base, SLOT);
    fill(world, world.base, 1);
  },
  lanes: [
    { name: "DONTNEED", path: dontneedSlot },
    { name: "populate", path: (world) => sysPopulateWrite(world, world.base) },
    { name: "populate too", path: (world) => sysPopulateWrite(world, world.base + 9) },
  ],
  goal: null,
};

/** Does the policy free a table that a call has emptied, sooner or later? */
function frees({ patches, refcount, scan, ask }: ReclaimFeatures): boolean {
  return patches.reclaim || refcount || scan !== null || ask !== null;
}

/** Nobody refilled the range: its pages are gone, and so is its table. */
function reclaimed(world: World): Violation | null {
  for (let at = 0; at < 3; at++) {
    const value = valueAt(world, world.base + at);
    if (value !== 0)
      return { invariant: "DONTNEED discards the whole range", detail: `page ${at} of the range still holds ${value}` };
  }
  const row = tableOf(world, world.base);
  if (row === 0 || !frees(world.k.options.features)) return null;
  return {
    invariant: RECLAIMED,
    detail: `DONTNEED of all 2 MiB has returned and table ${row} is empty and still there`,
  };
}

export const resumedZap: Scenario = {
  name: "resumed-zap",
  title: "A DONTNEED that stops half-way and is resumed",
  story:
    "need_resched() breaks the zap anywhere in the table. Nobody refills it, so at the end every page must be gone and, as the " +
    "call covered all 2 MiB, the empty table too.",
  patches: ["8"],
  findings: {
    "8":
      "Taking patch 8 out breaks no invariant of safety: no access to freed memory, no lost write, no wrong count. Before it, a " +
      "break made zap_pte_range() return to zap_pmd_range(), which called it again for the rest of the slot. The rest is less " +
      "than PMD_SIZE, so the second call may not reclaim (`end - addr < PMD_SIZE`): it zaps what is left, correctly, and the " +
      "empty table stays. What the patch protects is reclaim itself: under load, when need_resched() is often true, empty " +
      "tables would go on piling up. That is why the scenario also demands that an emptied table is reclaimed.",
  },
  batchFails: false,
  prepare(world) {
    oneSlot(world);
    fill(world, world.base + 2, 3);
  },
  lanes: [{ name: "DONTNEED", path: dontneedSlot }, timerLane(0), timerLane(0)],
  goal: reclaimed,
};

export const neighbourFault: Scenario = {
  name: "neighbour-fault-tlb",
  title: "DONTNEED against a thread that uses its cached translation and faults on another page of the slot",
  story:
    "The reader has the first page in its TLB. It may go on using the page until DONTNEED's flush, and not after: pages are " +
    "freed after the flush. Its write to another page of the slot finds the old table, or none, or a new one.",
  patches: [],
  findings: {},
  batchFails: false,
  prepare: oneSlot,
  lanes: [
    { name: "DONTNEED", path: dontneedSlot },
    {
      name: "reader",
      *path(world) {
        const before = yield* userRead(world, world.base);
        yield* userWrite(world, world.base + 5, 7);
        const after = yield* userRead(world, world.base);
        world.notes.set("before", before);
        world.notes.set("after", after);
      },
    },
  ],
  goal(world) {
    const before = world.notes.get("before");
    const after = world.notes.get("after");
    if ((before === 0 || before === 1) && (after === 0 || after === before)) return null;
    return {
      invariant: "no write lost",
      detail: `the reader saw ${before}, then ${after}, in a page that only ever held 1 or 0`,
    };
  },
};
