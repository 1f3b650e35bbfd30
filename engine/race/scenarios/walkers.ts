/** DONTNEED against walkers that hold no lock, when there is no memory to free tables in batches. */

import { PMD_PAGES } from "../../mm/geometry.ts";
import { fill, mapAnon, type Scenario, type World } from "../scenario.ts";
import { sysDontneed } from "../syscalls.ts";
import { userWrite } from "../user.ts";
import { gupFast, rmapWalk } from "../walkers.ts";

function prepare(world: World): void {
  mapAnon(world, world.base, PMD_PAGES);
  fill(world, world.base, 1);
}

const dontneed = (world: World): ReturnType<typeof sysDontneed> =>
  sysDontneed(world, world.base, world.base + PMD_PAGES);

export const walkerSingleFree: Scenario = {
  name: "walker-single-free",
  title: "A pte_offset_map() walker while the table is freed alone, not in a batch",
  story:
    "tlb_remove_table() needs a page for its batch. When there is none, the table is freed by itself. The reverse map's walk " +
    "(page_vma_mapped_walk) holds rcu_read_lock and nothing else; interrupts stay on.",
  patches: ["10"],
  findings: {
    "10":
      "Before patch 10 a table that could not be batched was freed after an IPI to every CPU (semi RCU). The IPI waits for CPUs " +
      "with interrupts off; a walker inside rcu_read_lock has them on, answers at once, and goes on reading a table that is " +
      "freed under it. With the patch the single table is freed by call_rcu(), which waits for the walker.",
  },
  batchFails: true,
  prepare,
  lanes: [
    { name: "DONTNEED", path: dontneed },
    { name: "rmap walk", path: (world) => rmapWalk(world, world.base) },
  ],
  goal: null,
};

export const gupFastSingleFree: Scenario = {
  name: "gup-fast-single-free",
  title: "get_user_pages_fast() while the table is freed alone, not in a batch",
  story:
    "gup-fast walks with interrupts off. Before patch 10 that is what the IPI waits for; with it, a CPU with interrupts off " +
    "holds up the RCU grace period just the same.",
  patches: ["10"],
  findings: {
    "10":
      "Taking patch 10 out breaks nothing here: the walker has interrupts off, so the IPI that used to come before the free is " +
      "not answered until it has left. This is the case that semi RCU was made for.",
  },
  batchFails: true,
  prepare,
  lanes: [
    { name: "DONTNEED", path: dontneed },
    { name: "gup-fast", path: (world) => gupFast(world, world.base) },
  ],
  goal: null,
};

export const walkerRefault: Scenario = {
  name: "walker-refault",
  title: "A walker without a lock while the table is emptied and filled again",
  story:
    "DONTNEED empties the table while the reverse map's walk looks at an entry of it, and a thread writes there again. Who frees the table, " +
    "and whether it is freed at all, depends on who comes first. Where tables are counted, the walker's own reference (pte_try_get, pte_put) " +
    "is all that keeps the table for it: it is outside rcu_read_lock while it looks, and may be the one that has to free it.",
  patches: [],
  findings: {},
  batchFails: false,
  prepare,
  lanes: [
    { name: "DONTNEED", path: dontneed },
    { name: "rmap walk", path: (world) => rmapWalk(world, world.base) },
    { name: "writer", path: (world) => userWrite(world, world.base, 7) },
  ],
  goal: null,
};

export const walkerBatch: Scenario = {
  name: "walker-batch-free",
  title: "A pte_offset_map() walker while the table is freed in a batch",
  story:
    "The usual case: the table goes to a batch, and the batch to RCU. It was safe before the series, and still is.",
  patches: ["10"],
  findings: { "10": "Taking patch 10 out breaks nothing here: batches were freed by RCU before it, too." },
  batchFails: false,
  prepare,
  lanes: [
    { name: "DONTNEED", path: dontneed },
    { name: "rmap walk", path: (world) => rmapWalk(world, world.base) },
  ],
  goal: null,
};
