import type { Fact } from "../../main/contract.ts";
import { call } from "./lab.ts";

/** What this machine has, as `doctor` sees it. */
class Machine {
  facts = $state.raw<readonly Fact[]>([]);
  looked = $state(false);

  async look(): Promise<void> {
    this.facts = await call("doctor.look");
    this.looked = true;
  }

  fact(id: string): Fact | undefined {
    return this.facts.find((fact) => fact.id === id);
  }

  /** What is wrong with the Electron that shows this window. */
  get unsupported(): string | undefined {
    const electron = this.fact("electron");
    return electron?.state === "missing" ? electron.value : undefined;
  }

  /** One line for the status bar. */
  get reclaims(): string | undefined {
    const measured = this.fact("measured");
    if (!measured) return undefined;
    const answer = { ok: "yes", note: "no", missing: "not measured" } as const;
    return `Kernel reclaims page tables: ${answer[measured.state]}`;
  }
}

export const machine = new Machine();
