/** What the kernel does at a scheduling point, in words. */

import { lockHolder } from "../mm/sched.ts";
import type { World } from "./machine.ts";
import type { Point } from "./program.ts";

/** Sentences that hold for a function's event; a function that is not listed gets the event's. */
const BY_FUNCTION: Readonly<Record<string, string>> = {
  "madvise_lock read_lock":
    "madvise() takes the VMA's lock for reading: faults and other madvise() calls may run concurrently.",
  "madvise_unlock unlock": "madvise() releases the VMA's lock; the call is over.",
  "do_user_addr_fault read_lock": "The page fault takes the VMA's lock for reading.",
  "do_user_addr_fault unlock": "The page fault releases the VMA's lock; the access is retried.",
  "zap_pte_range lock": "The zap takes the table's PTE lock: entries do not change under it now.",
  "zap_pte_range unlock": "The zap drops the PTE lock.",
  "zap_pte_range pte_write": "The zap clears the next entry and hands its page to the mmu_gather.",
  "zap_pte_range need_resched":
    "Does another task want this CPU? If so, the zap leaves its loop and drops the PTE lock.",
  "zap_pte_range pmd_read": "The zap reads the PMD entry to find the PTE table (pte_offset_map_lock).",
  "try_get_and_clear_pmd trylock":
    "Fast path: with the PTE lock still held, try the PMD lock; if it is free, clear the PMD entry: the table is detached.",
  "try_to_free_pte lock": "Slow path: the PMD lock first, then the PTE lock, to look at all 512 entries again.",
  "try_to_free_pte pmd_write": "All 512 entries are none: the PMD entry is cleared and the table is detached.",
  "try_to_free_pte unlock": "The slow path releases the lock.",
  "handle_pte_fault pmd_read": "The fault looks at the PMD entry, and at the PTE if there is a table.",
  "do_anonymous_page pmd_read": "The fault reads the PMD entry to find the table to fill (pte_offset_map_lock).",
  "do_anonymous_page lock": "The fault takes the PTE lock, reads the PMD entry again, and maps a new page.",
  "do_anonymous_page unlock": "The fault drops the PTE lock: the page is mapped.",
  "__pte_alloc lock": "There is no table: the fault takes the PMD lock to install a new one.",
  "__pte_alloc unlock": "The PMD lock is released.",
  "pmd_install pmd_write": "The new, empty table is put into the PMD entry.",
  "hardware walk tlb_fill":
    "The CPU looks in its TLB and, if that misses, walks the tables; a none entry is a page fault.",
  "tlb_flush_mmu_tlbonly tlb_flush": "The gather's range is flushed from every CPU's TLB.",
  "tlb_flush_mmu_free free_table": "After the flush: gathered pages are freed, gathered tables go to RCU.",
  "tlb_remove_table_one tlb_flush":
    "No memory for a batch of tables: the TLB is flushed so that this table can be freed alone.",
  "tlb_remove_table_one free_table": "The single table goes to call_rcu().",
  "tlb_remove_table_sync_one ipi":
    "An IPI to every CPU: it is answered at once by CPUs with interrupts on, even inside rcu_read_lock.",
  "__tlb_remove_table free_table": "The single table is freed.",
  "scheduler_tick need_resched": "A timer tick: another task wants to run on that CPU.",
  "map_pte pmd_read": "The reverse map's walk reads the PMD entry and goes to the table.",
  "map_pte pte_read": "The walk looks at the entry, holding no lock but rcu_read_lock.",
  "pte_try_get pmd_read":
    "Inside rcu_read_lock the PMD entry is read: the table cannot be freed before its count is raised.",
  "pte_try_get ref_get":
    "The table's count is raised, unless it is zero: then the table is about to be freed, and the walker finds none.",
  "pte_put ref_put":
    "The walker drops its reference. If it was the last, and no entry holds one, the walker frees the table.",
  "free_pte_table lock": "The last reference is gone: take the PMD lock, then the PTE lock, to detach the table.",
  "free_pte_table pmd_write":
    "All entries are none and nobody walks the table: the PMD entry is cleared and the table is detached.",
  "free_pte_table unlock": "The lock is released.",
  "free_pgtables pmd_write": "Tables that no remaining VMA can use are detached and gathered.",
  "collapse_file lock": "khugepaged locks the new huge folio: whoever faults on the range waits for it.",
  "collapse_file unlock": "The huge folio is unlocked; the collapse is over.",
  "try_to_unmap pmd_read": "khugepaged unmaps the small pages: it reads the PMD entry to find their table.",
  "try_to_unmap lock": "With the PTE lock held, the small pages' entries are cleared; the empty table stays for now.",
  "try_to_unmap unlock": "khugepaged drops the PTE lock.",
  "find_pmd_or_thp_or_none pmd_read":
    "retract_page_tables() reads the PMD entry, without a lock: there is a table, so it will be detached.",
  "retract_page_tables lock":
    "khugepaged takes the PMD lock, then the PTE lock of the table that the PMD entry points to (pte_lockptr).",
  "retract_page_tables unlock": "khugepaged releases the lock.",
  "pmdp_collapse_flush pmd_write": "The PMD entry is cleared: the table is detached.",
  "pmdp_collapse_flush tlb_flush": "The range is flushed from every CPU's TLB.",
  "pte_free_defer free_table": "The detached table goes to call_rcu(), and off the process's count.",
  "uffd_move_lock read_lock": "UFFDIO_MOVE takes the locks of both VMAs for reading, the destination's first.",
  "uffd_move_unlock unlock": "UFFDIO_MOVE releases a VMA's lock.",
  "move_pages_pte pmd_read":
    "Inside rcu_read_lock, the PMD entries are read and both tables mapped; their locks are not held yet.",
  "move_pages_pte pte_read":
    "The entry is read without its table's lock: none at the destination, a page at the source.",
  "move_pages_pte lock":
    "The tables are locked, one after the other (double_pt_lock), and both entries compared with what they were.",
  "move_pages_pte unlock": "A table's lock is released.",
  "move_pages_pte tlb_flush": "The source's translation is flushed.",
  "move_present_ptes pte_write": "The page leaves the source's entry and is put into the destination's.",
  "vma_start_write lock": "The VMA is write-locked: faults and madvise() calls that hold it must finish first.",
  "vma_end_write_all unlock": "The VMA's write lock is released.",
  "copy_pte_range pte_write": "fork copies the entries to the child and write-protects both.",
  "change_pte_range pte_write": "mprotect changes the entries.",
  "move_normal_pmd pmd_write": "mremap moves the whole table: one PMD entry is cleared, the other set.",
  "handle_pte_fault lock": "The entry exists after all: the fault locks its table and reads it again.",
  "handle_pte_fault unlock": "The fault drops the PTE lock.",
  "zap_pte_range tlb_flush": "The zap flushes what it has gathered before it drops the PTE lock.",
  "gup_fast pmd_read": "gup-fast reads the PMD entry, interrupts off.",
  "gup_fast_pte_range pmd_read": "gup-fast reads the PMD entry again: is the table still there?",
  "gup_fast_pte_range pte_read": "gup-fast reads the PTE without any lock.",
};

const BY_EVENT: Readonly<Record<string, string>> = {
  lock: "Takes the lock.",
  read_lock: "Takes the lock for reading.",
  trylock: "Tries the lock, and takes another path if it is held.",
  unlock: "Releases the lock.",
  rcu_read_lock: "Enters an RCU read-side section: tables freed by RCU stay until it is left.",
  rcu_read_unlock: "Leaves the RCU read-side section.",
  irq_disable: "Turns interrupts off: IPIs and RCU grace periods wait for this CPU.",
  irq_enable: "Turns interrupts on again.",
  need_resched: "Does another task want this CPU?",
  pmd_read: "Reads the PMD entry.",
  pmd_write: "Writes the PMD entry.",
  pte_read: "Reads the PTE.",
  pte_write: "Writes the PTE.",
  tlb_flush: "Flushes translations from every CPU's TLB.",
  tlb_fill: "Fills the TLB from the tables.",
  ipi: "Sends an IPI to every CPU and waits for the answers.",
  ref_get: "Takes a reference to the table.",
  ref_put: "Drops a reference to the table.",
  free_table: "Frees the table.",
  page_read: "The program reads from the page.",
  page_write: "The program writes to the page.",
};

/** One sentence or two on what happens at `point`, which has not happened yet. */
export function narrate(point: Point, world: World): string {
  const words = BY_FUNCTION[`${point.fn} ${point.event}`] ?? BY_EVENT[point.event] ?? point.event;
  if (point.event === "trylock" && lockHolder(world.k, point.object) !== 0)
    return `${words} Here it is held by another CPU.`;
  if (point.event === "need_resched" && !point.write && world.k.reschedPending[world.k.cpu])
    return "Another task wants this CPU: the zap leaves its loop and will drop the PTE lock.";
  return words;
}
