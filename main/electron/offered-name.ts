/** The name of a file that the window exports, as a dialog or a drag offers it. */
import type { CallParams } from "../contract.ts";
import { exportName } from "../export/name.ts";
import type { AskHost } from "./ask.ts";

export async function offeredName(ask: AskHost, choice: CallParams<"export.save">): Promise<string> {
  if ("experimentId" in choice) {
    const { title } = await ask("experiment.get", { id: choice.experimentId });
    return exportName({ id: choice.experimentId, title }, choice.format);
  }
  const { sheet, origin, format } = choice;
  return exportName(
    { id: origin.kind === "experiment" ? origin.id : minuteOf(origin.seenAt), title: sheet.title },
    format,
  );
}

/** "20261123-0352", in UTC, as pictures say it. */
function minuteOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replaceAll("-", "").replace("T", "-").replace(":", "");
}
