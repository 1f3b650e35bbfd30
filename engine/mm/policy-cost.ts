/**
 * The cost of freeing empty tables, and who pays: every path that works for a policy accounts for it here. Simulated time, by the
 * constants of cost.ts; zero in a run without reclaim.
 */

import type { KernelState } from "./state.ts";

/** The cost of freeing empty tables in a run, by the cost model (cost.ts); ns are simulated. */
export interface PolicyCost {
  /** Added to the program's own calls and faults, in all; and to the one that bore most. */
  readonly caller_ns: number;
  readonly longest_call_ns: number;
  /** Work beside them: on the way back to user space, or by others. */
  readonly background_ns: number;
  /** Tables rebuilt where the policy had freed one. */
  readonly rebuilt_tables: number;
  /** TLB flushes of the whole run, whatever for. */
  readonly tlb_flushes: number;
}

/** Attributes `ns` of the work just done to the policy. The simulated time already includes it. */
export function account(k: KernelState, ns: number): void {
  const { stats } = k;
  if (k.payer === "call") k.callNs += ns;
  else if (k.payer === "fault") {
    stats.callerNs += ns;
    if (ns > stats.longestCallNs) stats.longestCallNs = ns;
  } else stats.backgroundNs += ns;
}

/** Charges `ns` of additional work for the policy. */
export function charge(k: KernelState, ns: number): void {
  k.timeNs += ns;
  account(k, ns);
}

/** A table is rebuilt after the policy freed one. */
export function accountRebuilt(k: KernelState): void {
  k.stats.rebuiltTables++;
  account(k, k.options.cost.tableAlloc + k.countNs);
}

/** The reference counts of tables change `n` times: once each time that a table is locked and its entries are mapped, set or cleared. */
export function chargeCounts(k: KernelState, n: number): void {
  const ns = n * k.countNs;
  k.timeNs += ns;
  if (k.payer !== "fault") account(k, ns);
  else {
    k.stats.callerNs += ns;
    if (k.countNs > k.stats.longestCallNs) k.stats.longestCallNs = k.countNs;
  }
}

/** A system call is over: the next one is counted separately. */
export function endCall(k: KernelState): void {
  if (k.callNs === 0) return;
  k.stats.callerNs += k.callNs;
  if (k.callNs > k.stats.longestCallNs) k.stats.longestCallNs = k.callNs;
  k.callNs = 0;
}
