/** An input that cannot be used at all: what it is, where, and what would do. Shown as it is, without a stack. */
export class ImportError extends Error {
  override readonly name = "ImportError";
}
