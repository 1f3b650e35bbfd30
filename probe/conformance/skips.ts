/**
 * What of the random scripts is left out on a kernel: behaviours that were found and that the engine does not model, or that this
 * user may not ask for. Each has a name, which is printed.
 */
import type { FoundProfile } from "../found-profile.ts";

export interface Skip {
  /** What is left out. */
  readonly name: string;
  readonly why: string;
  /** Does the line of a script need it? */
  readonly needs: (line: string) => boolean;
}

const LOCKS = /^(?:mlock2?|munlock|dontneed_locked) | locked\b/;

/** In the order in which they are printed. */
export function skipsOf({ findings, profile }: FoundProfile): Skip[] {
  const finding = (name: string) => findings.find((each) => each.name === name);
  const skips: Skip[] = [];
  const add = (found: boolean, name: string, why: string | undefined, needs: RegExp): void => {
    if (found) skips.push({ name, why: why || "it could not be tried", needs: (line) => needs.test(line) });
  };
  const is = (name: string, ...values: readonly string[]): boolean =>
    values.includes(finding(name)?.value ?? "unknown");
  add(!is("memlock", "yes"), "locked memory", finding("memlock")?.seen, LOCKS);
  add(profile.uffdWp === "none" || is("uffd_wp", "unknown"), "userfaultfd", finding("uffd_wp")?.seen, /^uffd/);
  add(!is("uffd_wp_async", "yes"), "asynchronous userfaultfd", finding("uffd_wp_async")?.seen, /^uffd/);
  add(!is("uffd_move", "yes"), "UFFDIO_MOVE", finding("uffd_move")?.seen, /^uffdmove /);
  add(!is("collapse", "yes"), "MADV_COLLAPSE", finding("collapse")?.seen, /^collapse /);
  return skips;
}

/** A script without the lines that need what is left out. */
export function withoutSkipped(script: readonly string[], skips: readonly Skip[]): string[] {
  return script.filter((line) => !skips.some(({ needs }) => needs(line)));
}

/** One line each, printed before the tests run. */
export const describeSkips = (skips: readonly Skip[]): string[] =>
  skips.map(({ name, why }) => `${name} is left out of the scripts: ${why}`);
