/** Findings of the scanner that were looked at, and why they stay. */
export interface Explained {
  readonly issue: string;
  /** How the file's name ends. */
  readonly file: string;
  readonly why: string;
}

export const EXPLAINED: readonly Explained[] = [];
