/** What a workload is made of: the operations that a kernel executes. */

export type * from "../mm/operation.ts";
