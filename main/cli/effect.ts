/** Options that would be taken without effect. */
import { BadInputError } from "../../engine/error.ts";

/** Throws BadInputError where one of them is given. `where`: beside what it has no effect, such as "with --values". */
export function requireNone(given: Readonly<Record<string, unknown>>, where: string, todo = "Omit it"): void {
  for (const [option, value] of Object.entries(given))
    if (value !== undefined) throw new BadInputError(`${option} has no effect ${where}`, { todo });
}
