/**
 * The two events of every system call, `raw_syscalls:sys_enter` and `sys_exit`, as perf script and tracefs print them:
 *
 *     sys_enter: NR 9 (0, 4000000, 3, 22, ffffffff, 0)
 *     sys_exit: NR 9 = 140413904621568
 *
 * Arguments are hexadecimal without prefix, results decimal.
 */
import { CALL_BY_NUMBER } from "./abi.ts";
import type { TraceEvent } from "./event.ts";
import type { Cursor } from "./scan.ts";

/** With the cursor after `sys_`: reads the event. False: malformed; null: another call, or none of these two events. */
export function takeRawCall(at: Cursor, event: TraceEvent): boolean | null {
  const enters = at.take("enter: NR ");
  if (!enters && !at.take("exit: NR ")) return null;
  const number = at.number();
  if (Number.isNaN(number)) return false;
  const call = CALL_BY_NUMBER.get(number);
  if (call === undefined) return null;
  event.call = call;
  event.kind = enters ? "enter" : "exit";
  if (!enters) {
    if (!at.take(" = ")) return false;
    event.ret = at.number();
    return true;
  }
  const { args } = event;
  args.fill(Number.NaN);
  if (!at.take(" (")) return false;
  for (let i = 0; i < args.length; i++) {
    args[i] = at.hexDigits();
    if (!at.take(", ")) break;
  }
  return true;
}
