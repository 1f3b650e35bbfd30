import type { StoredExperiment } from "../../db/records.ts";

/** A name to offer: the title in letters that every file system takes, and the experiment's number. */
export function exportName(experiment: Pick<StoredExperiment, "id" | "title">, format: string): string {
  const words = experiment.title
    .normalize("NFKD")
    .replace(/\p{Mn}+/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 60);
  return `${words || "experiment"}-${experiment.id}.${format}`;
}
