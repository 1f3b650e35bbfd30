import type { OpenedAtlas, OpenedFile } from "../../main/contract.ts";

/** Which view is open in the middle of the window, and the way back. */
export type Route =
  | { readonly name: "welcome" }
  /** `from`: run that experiment again with changes; `label`: only this point of a sweep. `sweep`: begin with a sweep. */
  | {
      readonly name: "new";
      readonly preset?: string;
      readonly from?: number;
      readonly label?: string | undefined;
      readonly sweep?: boolean;
      /** Under all policies. */
      readonly compared?: boolean;
    }
  | { readonly name: "experiment"; readonly id: number; readonly label?: string }
  | { readonly name: "compare"; readonly ids: readonly number[] }
  /** The history as a table. */
  | { readonly name: "history" }
  | { readonly name: "races" }
  /** The processes of this machine. */
  | { readonly name: "live" }
  /** Record a program or a running process; `pid`: this one. */
  | { readonly name: "record"; readonly attach?: boolean; readonly pid?: number }
  | { readonly name: "trace"; readonly opened?: OpenedFile }
  /** A folder of results. */
  | { readonly name: "atlas"; readonly opened: OpenedAtlas }
  | { readonly name: "machine" };

const REMEMBERED = 50;

class View {
  route = $state.raw<Route>({ name: "welcome" });
  #past: Route[] = [];

  go(route: Route): void {
    this.#past = [...this.#past.slice(-REMEMBERED), this.route];
    this.route = route;
  }

  /** Instead of the view that is open, without a way back to it. */
  replace(route: Route): void {
    this.route = route;
  }

  /** What a window begins with, unless something else was gone to while it started. */
  begin(route: Route): void {
    if (this.#past.length === 0) this.route = route;
  }

  back(): void {
    const route = this.#past.pop();
    if (route) this.route = route;
  }

  /** Experiments are gone: no way leads back there. */
  forget(ids: readonly number[]): void {
    this.#past = this.#past.filter((route) => route.name !== "experiment" || !ids.includes(route.id));
  }

  get experimentId(): number | undefined {
    return this.route.name === "experiment" ? this.route.id : undefined;
  }
}

export const view = new View();
