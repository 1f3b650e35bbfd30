/** Findings of the scanner that were looked at, and why they stay. */
export interface Explained {
  readonly issue: string;
  /** From the project's root; empty: the finding is about no file. */
  readonly file: string;
  readonly why: string;
}

export const EXPLAINED: readonly Explained[] = [
  {
    issue: "CSP_GLOBAL_CHECK",
    file: "",
    why: "the policy is a header of every answer of our scheme (main/electron/scheme.ts), which the scanner does not look for; e2e/security.e2e.ts sees it enforced",
  },
  {
    issue: "OPEN_EXTERNAL_JS_CHECK",
    file: "main/electron/own-calls.ts",
    why: "https only, and only after the system's own question with the address was answered with Open",
  },
  {
    issue: "CUSTOM_ARGUMENTS_JS_CHECK",
    file: "main/electron/security.ts",
    why: "fixed switches that take ways out away from Chromium (names, WebRTC, background requests); nothing that is given goes into them",
  },
  {
    issue: "AUXCLICK_JS_CHECK",
    file: "main/electron/window.ts",
    why: "no click of any button leads away: every navigation and every new window is refused for all web contents (main/electron/security.ts)",
  },
  {
    issue: "PRELOAD_JS_CHECK",
    file: "main/electron/window.ts",
    why: "reviewed: the preload is sandboxed and context-isolated and exposes two functions, call and on, whose payloads main checks",
  },
];
