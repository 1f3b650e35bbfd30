import type { LabApi } from "../main/contract.ts";

declare global {
  interface Window {
    /** All that the window can reach; put there by the preload. */
    readonly lab: LabApi;
  }
}
