/** "it was moved" -> "It was moved." */
export function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}

/** A verdict's answer and what follows it: "Would help little: on average 4 KiB" -> "Would help little", "On average 4 KiB". */
export function answerOf(verdict: string): readonly [answer: string, rest: string] {
  const at = verdict.indexOf(": ");
  const rest = at < 0 ? "" : verdict.slice(at + 2);
  return [at < 0 ? verdict : verdict.slice(0, at), `${rest.charAt(0).toUpperCase()}${rest.slice(1)}`];
}
