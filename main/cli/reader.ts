/** Who reads what the command line prints may have seen enough. */
const keeping = new Set<() => void>();

/** Calls `gone` instead of ending the process there. Gives the function that leaves it. */
export function onReaderGone(gone: () => void): () => void {
  keeping.add(gone);
  return () => void keeping.delete(gone);
}

/** Tells those that have something to keep; false where there are none. */
export function readerIsGone(): boolean {
  for (const gone of keeping) gone();
  return keeping.size > 0;
}
