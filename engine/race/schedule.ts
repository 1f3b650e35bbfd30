/** Schedules as text: `0*8,2,0*3,1*6` is eight steps of CPU 0, one of CPU 2, three of CPU 0, six of CPU 1. */

import { BadInputError } from "../error.ts";

/** Beyond this a schedule is a mistake. */
const STEPS_MAX = 100_000;

export function formatSchedule(cpus: readonly number[]): string {
  const parts: string[] = [];
  for (let at = 0; at < cpus.length; ) {
    let end = at + 1;
    while (end < cpus.length && cpus[end] === cpus[at]) end++;
    parts.push(end - at === 1 ? String(cpus[at]) : `${cpus[at]}*${end - at}`);
    at = end;
  }
  return parts.join(",");
}

/** Errors: BadInputError where the text is not a schedule. */
export function parseSchedule(text: string): number[] {
  const cpus: number[] = [];
  for (const part of text.split(",")) {
    const match = /^([0-3])(?:\*([1-9]\d{0,5}))?$/.exec(part.trim());
    if (match === null || cpus.length + Number(match[2] ?? 1) > STEPS_MAX)
      throw new BadInputError("This is not a schedule", {
        where: "--schedule",
        why: `"${part}" is not a CPU (0 to 3) or CPU*STEPS`,
        todo: "Write it as a counterexample prints it, such as 0*8,2,0*3",
      });
    for (let step = 0; step < Number(match[2] ?? 1); step++) cpus.push(Number(match[1]));
  }
  return cpus;
}
