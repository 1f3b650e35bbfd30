/** Where a command writes what it makes. */
import { BadInputError } from "../../engine/error.ts";

/** `-` is standard output, like no file at all. */
export const fileOf = (out: string | undefined): string | undefined => (out === "-" ? undefined : out);

/** Throws BadInputError where `-` is given and only a file or a folder will do. */
export function requirePlace(given: string | undefined, where: string, what: string): void {
  if (given !== "-") return;
  throw new BadInputError(`${what} cannot be standard output`, {
    where,
    todo: "Give a name; ./- is a file or folder of that name",
  });
}
