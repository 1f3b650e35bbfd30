import type { RecentFile } from "../../main/contract.ts";
import { call } from "./lab.ts";

/** The files of late, newest first. */
class Recent {
  list = $state.raw<readonly RecentFile[]>([]);

  async load(): Promise<void> {
    this.list = await call("file.recent");
  }
}

export const recent = new Recent();
