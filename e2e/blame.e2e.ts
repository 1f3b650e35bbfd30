/** Blame in the window: a program whose three functions leave 1,000, 100 and 50 tables; the graph, its table, exports, the keyboard. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { operationLine, opsHeaderLine } from "../engine/workload/import/index.ts";
import type { Operation } from "../engine/workload/operation.ts";
import { expectAccessible } from "./axe.ts";
import { expect, test } from "./fixtures.ts";
import { drawLarge } from "./large.ts";
import { ExperimentPage } from "./pages.ts";

const MIB = 2 ** 20;
const BASE = 2 ** 45;

/** Each touches one page in every 2 MiB and gives all back in pieces. */
function emptying(name: string, tables: number, nth: number): Operation[] {
  const addr = BASE + nth * 2 ** 33;
  const len = tables * 2 * MIB;
  const touches = Array.from(
    { length: tables },
    (_, i): Operation => ({ op: "touch", addr: addr + i * 2 * MIB, len: 4096, access: "w", at: nth * 1e6 + i }),
  );
  return [
    { op: "mmap", addr, len, prot: "rw", backing: "anon", at: nth * 1e6 },
    ...touches,
    { op: "madvise", addr, len, step: MIB, advice: "dontneed", stack: ["main", "work", name], at: nth * 1e6 + 5e5 },
  ];
}

for (const theme of ["light", "dark"] as const)
  test(`three functions are told by their tables, in a graph and in a table, by keyboard too (${theme})`, async ({
    lab,
    dataFolder,
  }) => {
    const path = join(dataFolder, "three.ops.jsonl");
    const operations = [emptying("large", 1000, 1), emptying("middle", 100, 2), emptying("small", 50, 3)].flat();
    await writeFile(path, `${opsHeaderLine({ title: "three" })}${operations.map(operationLine).join("")}`);
    await lab.call("app.setSettings", { theme });
    await lab.restart();
    const { page } = lab;
    await lab.resize(1280, 800);
    await lab.answerOpenDialogs(path);
    await page.keyboard.press("Control+o");
    await page.getByRole("button", { name: "Replay under 2 policies" }).click();
    const shown = new ExperimentPage(page);
    await expect(shown.numbers).toBeVisible();
    await shown.waitUntilDone();

    const panel = page.getByRole("region", { name: "Whose releases" });
    const table = panel.getByRole("table", { name: "The heaviest call stacks" });
    const rows = table.getByRole("row");
    await expect(rows).toHaveCount(4);
    for (const [i, [stack, tables]] of [
      ["large ← work ← main", "1,000"],
      ["middle ← work ← main", "100"],
      ["small ← work ← main", "50"],
    ].entries()) {
      const row = rows.nth(i + 1);
      await expect(row.getByRole("rowheader")).toHaveText(stack);
      await expect(row.getByRole("cell").first()).toHaveText(tables);
    }
    // The library drew a frame a function, as wide as its tables.
    const frames = panel.locator(".d3-flame-graph g.frame");
    await expect(frames).toHaveCount(9);
    const widthOf = (name: string) =>
      panel
        .locator(`.d3-flame-graph g.frame[name="${name}"] rect`)
        .evaluate((rect) => Number(rect.getAttribute("width")));
    // Frames grow to their width.
    await expect.poll(async () => (await widthOf("large")) / (await widthOf("middle"))).toBeCloseTo(10, 1);

    // By the keyboard: a stack is looked at, and all again.
    const all = await widthOf("large");
    await table.getByRole("button", { name: /^middle/ }).focus();
    await page.keyboard.press("Enter");
    await expect.poll(() => widthOf("middle")).toBeGreaterThan(all);
    await page.keyboard.press("Enter");
    await expect.poll(() => widthOf("large")).toBeCloseTo(all, 0);
    await panel.scrollIntoViewIfNeeded();
    await expectAccessible(page, `blame, ${theme}`);
    await lab.screenshot(`blame-${theme}`);
    await drawLarge(lab, `blame-${theme}`);

    const matters = page.getByRole("region", { name: "Does it matter?" });
    await matters.getByRole("spinbutton", { name: "Instances" }).fill("340");
    await page.keyboard.press("Enter");
    await expect(matters.getByRole("columnheader", { name: "average × 340" })).toBeVisible();
    await matters.scrollIntoViewIfNeeded();
    await lab.screenshot(`matters-${theme}`);
    await drawLarge(lab, `matters-${theme}`);

    for (const [button, name] of [
      ["Folded stacks…", "three.folded"],
      ["Speedscope…", "three.speedscope.json"],
    ] as const) {
      await lab.answerSaveDialogs(join(dataFolder, name));
      await panel.getByRole("button", { name: button }).click();
      await expect(page.getByText(`Exported ${name}`)).toBeVisible();
    }
    expect(await readFile(join(dataFolder, "three.folded"), "utf8")).toContain("main;work;large;");
    expect(JSON.parse(await readFile(join(dataFolder, "three.speedscope.json"), "utf8")).profiles[0].unit).toBe(
      "bytes",
    );
  });
