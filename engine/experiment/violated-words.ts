/** What has happened where an invariant is violated: its name says what should hold, and after "broken" reads as its opposite. */

const HAPPENED = {
  "no access through a freed table": "a freed table was accessed",
  "no table freed twice or freed while reachable": "a table was freed twice, or while it was reachable",
  "a reader inside rcu_read_lock never sees its table freed": "a table was freed under a reader inside rcu_read_lock",
  "no write lost": "a write was lost",
  "no stale TLB entry used after the operation that removed it has returned":
    "a stale TLB entry was used after the operation that removed it had returned",
  "counts equal recounts": "counts differ from recounts",
  "no deadlock": "a deadlock",
  "every run finishes": "a run never finishes",
  "DONTNEED discards the whole range": "DONTNEED left a part of its range",
  "an emptied table is reclaimed": "an emptied table stayed",
  "a move that returns has moved the page": "a move returned and had not moved the page",
} as const satisfies Readonly<Record<string, string>>;

/** What the explorer checks, by its name; whoever adds one is asked for its words. */
export type Invariant = keyof typeof HAPPENED;

const isInvariant = (name: string): name is Invariant => Object.hasOwn(HAPPENED, name);

/** "a write was lost". A result may be of a program that knows others. */
export const violatedWords = (name: string): string => (isInvariant(name) ? HAPPENED[name] : `“${name}” does not hold`);
