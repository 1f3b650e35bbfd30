/** The two forms of the kernel's paths (sched.ts), for tests that run in both. */

export const FORMS = [
  { form: "plainly", explored: false },
  { form: "point by point", explored: true },
] as const;
