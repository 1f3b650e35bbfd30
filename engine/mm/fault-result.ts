/** The result of an access. */
export const FAULT_OK = 0;
export const FAULT_SEGV = 1;
export const FAULT_BUS = 2;
/** The tables changed under the fault: the access is retried. */
export const FAULT_RETRY = 3;
