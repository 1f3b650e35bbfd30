/**
 * `npm run bench [section...]`: what the design promises about speed and size, measured. Each `*.bench.ts` here is a
 * section; it gives its rows as they come. Figures of different machines cannot be compared: where there is a peer, both
 * are measured in the same run and the ratio is the figure.
 */
import { readdirSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { pathToFileURL } from "node:url";
import { describeError } from "../engine/error.ts";
import { type Row, type Section, shown } from "./harness.ts";

const asked = process.argv.slice(2).filter((word) => !word.startsWith("-"));
const json = process.argv.includes("--json");
const rows: (Row & { readonly section: string })[] = [];

function say(text: string): void {
  if (!json) process.stdout.write(`${text}\n`);
}

say(
  `${cpus()[0]?.model.trim()}, ${cpus().length} cores, ${(totalmem() / 2 ** 30).toFixed(1)} GiB; ${process.platform} ${release()}; Node ${process.versions.node}`,
);

const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith(".bench.ts"));
const names = files.map((file) => file.replace(".bench.ts", ""));
for (const name of asked.filter((word) => !names.includes(word))) {
  process.stderr.write(`bench: there is no section "${name}"; they are ${names.join(", ")}\n`);
  process.exitCode = 2;
}

for (const name of process.exitCode === 2 ? [] : names.filter((each) => asked.length === 0 || asked.includes(each))) {
  const { section } = (await import(pathToFileURL(`${import.meta.dirname}/${name}.bench.ts`).href)) as {
    readonly section: Section;
  };
  say(`\n${section.title}`);
  try {
    for await (const row of section.rows()) {
      rows.push({ section: name, ...row });
      say(shown(row));
    }
  } catch (error) {
    process.exitCode = 1;
    say(`  failed: ${describeError(error)}`);
  }
}
if (json) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
