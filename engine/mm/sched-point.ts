/** A scheduling point; the contract is in sched.ts. */

export type SchedEvent =
  | "lock"
  | "read_lock"
  | "trylock"
  | "unlock"
  | "rcu_read_lock"
  | "rcu_read_unlock"
  | "irq_disable"
  | "irq_enable"
  | "need_resched"
  | "pmd_read"
  | "pmd_write"
  | "ref_get"
  | "ref_put"
  | "pte_read"
  | "pte_write"
  | "tlb_flush"
  | "tlb_fill"
  | "ipi"
  | "free_table"
  | "page_read"
  | "page_write";

export interface SchedPoint {
  cpu: number;
  /** The kernel function that is about to act. */
  fn: string;
  event: SchedEvent;
  object: number;
  write: boolean;
  /** A second object the same action touches, 0 for none. */
  object2: number;
  write2: boolean;
}

export function newPoint(): SchedPoint {
  return {
    cpu: 0,
    fn: "",
    event: "lock",
    object: 0,
    write: false,
    object2: 0,
    write2: false,
  };
}
