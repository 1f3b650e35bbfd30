import { BadInputError } from "../../error.ts";

/** An input that cannot be used at all: what it is and what would do. */
export class ImportError extends BadInputError {
  override readonly name: string = "ImportError";
}
