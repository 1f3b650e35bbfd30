/** Pictures of the views that are no charts: the page-table map, the live machine, a process; each as it is seen. */
import { copyFile, mkdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { KernelAnswers, startProbe } from "../probe/conformance/kernel-answers.ts";
import { skipReason } from "../probe/testing.ts";
import { expectAccessible } from "./axe.ts";
import { expect, type LabApp, ROOT, test } from "./fixtures.ts";
import { DRAWS_SCREENS } from "./lab-app.ts";
import { runHeadline } from "./pages.ts";
import { pixelsOf } from "./pixels.ts";

/** styles/tokens.css: --surface, --map-empty. */
const COLORS = {
  light: { surface: "#ffffff", empty: "#e0a47a" },
  dark: { surface: "#1b1f23", empty: "#a8622f" },
} as const;

/** Exports by one of the menus; gives the file's path. */
async function save(lab: LabApp, menu: string, format: "PNG" | "SVG", name: string): Promise<string> {
  const path = join(lab.folder, name);
  await lab.answerSaveDialogs(path);
  await lab.page.getByRole("button", { name: menu, exact: true }).click();
  await lab.page.getByRole("menuitem", { name: new RegExp(`^${format}`) }).click();
  await expect(lab.page.getByText(`Exported ${name}`)).toBeVisible();
  await keep(path);
  return path;
}

/** To be looked at, beside the pictures of the views. */
async function keep(path: string): Promise<void> {
  if (!DRAWS_SCREENS) return;
  const folder = join(ROOT, "test-results", "screens");
  await mkdir(folder, { recursive: true });
  await copyFile(path, join(folder, basename(path)));
}

/** What an SVG says of itself. */
async function wordsOf(path: string): Promise<string> {
  const svg = await readFile(path, "utf8");
  const words = `${/<title[^>]*>([^<]*)</.exec(svg)?.[1]}: ${/<desc[^>]*>([^<]*)</.exec(svg)?.[1]}`;
  return words.replaceAll("&#39;", "'");
}

for (const theme of ["light", "dark"] as const)
  test(`the map leaves as it is seen: policy, moment, part, one table (${theme})`, async ({ lab }) => {
    await lab.useTheme(theme);
    await lab.resize(1280, 800);
    const { page } = lab;
    await runHeadline(page);
    const panel = page.getByRole("region", { name: "Page tables" });
    await expect(panel.getByRole("list")).toContainText("empty 25,600");
    const menu = "Export the page tables";
    const svg = (name: string) => save(lab, menu, "SVG", name).then(wordsOf);

    const png = await save(lab, menu, "PNG", `map-${theme}.png`);
    const { surface, empty } = COLORS[theme];
    expect(await pixelsOf(png, empty)).toBeGreaterThan(200_000);
    expect(await pixelsOf(png, surface)).toBeGreaterThan(200_000);
    const whole = await svg(`map-${theme}.svg`);
    expect(whole).toMatch(
      /^The series' own experiment: page tables without reclaim: operation 51,201 of 51,201 · VmPTE 100\.2 MiB/,
    );
    expect(whole).toContain("partly used 5, empty 25,600");
    expect(whole).toMatch(/address, one cell = \d+ PTE tables, \d+ MiB of addresses/);
    expect(whole).toMatch(/Reclaim Lab · experiment \d+ · engine/);

    await panel.getByText("sync reclaim", { exact: true }).click();
    await expect(panel.getByRole("list")).toContainText("freed 25,600");
    expect(await svg(`sync-${theme}.svg`)).toMatch(/page tables with sync reclaim: .* VmPTE 240 KiB.*freed 25,600/);
    await panel.getByText("no reclaim", { exact: true }).click();
    await panel.getByRole("slider", { name: /Moment/ }).focus();
    await page.keyboard.press("Home");
    await expect(panel).toContainText("operation 0 of 51,201");
    await expect(panel.getByRole("list")).not.toContainText("empty");
    expect(await svg(`begin-${theme}.svg`)).toContain("operation 0 of 51,201");
    await panel.getByRole("slider", { name: /Moment/ }).focus();
    await page.keyboard.press("End");
    await expect(panel.getByRole("list")).toContainText("empty 25,600");

    const cells = panel.getByRole("slider", { name: /Cells/ });
    await cells.focus();
    for (let press = 0; press < 3; press++) await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    await expect(panel).toContainText("one cell = 1 PTE table");
    expect(await svg(`part-${theme}.svg`)).toMatch(
      /\. empty \d+\. address, one cell = 1 PTE table, 2 MiB of addresses/,
    );
    await cells.focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    await expect(panel).toContainText("512 none");
    expect(await svg(`table-${theme}.svg`)).toMatch(
      /table at 0x[0-9a-f ]+\. none 512\. entry, one cell = one entry, 4 KiB of addresses/,
    );
    await expectAccessible(page, `the map with its export, ${theme}`);
  });

test("the map leaves by the palette, too", async ({ lab }) => {
  const { page } = lab;
  await runHeadline(page);
  await expect(page.getByRole("region", { name: "Page tables" }).getByRole("list")).toContainText("empty 25,600");
  await lab.answerSaveDialogs(join(lab.folder, "palette.svg"));
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("combobox", { name: /^Search runs/ })).toBeFocused();
  await page.keyboard.type("page tables as svg");
  await page.keyboard.press("Enter");
  await expect(page.getByText("Exported palette.svg")).toBeVisible();
  expect(await wordsOf(join(lab.folder, "palette.svg"))).toContain("empty 25,600");
});

test.describe("the live machine", () => {
  test.skip(skipReason !== null, skipReason ?? "");
  let known: KernelAnswers;
  test.beforeEach(async () => {
    known = new KernelAnswers(startProbe("whole"));
    // 150 empty tables.
    for (const { status } of await known.hold(["map 0 300M", "touch 0 300M stride=2M", "dontneed_step 0 300M 1M"]))
      expect(status).toBe("ok");
  });
  test.afterEach(() => known.close());

  for (const theme of ["light", "dark"] as const)
    test(`it leaves as it is seen, and so does a process (${theme})`, async ({ lab }) => {
      await lab.useTheme(theme);
      await lab.resize(1280, 800);
      const { page } = lab;
      await page.keyboard.press("Control+4");
      const list = page.getByRole("listbox", { name: "Processes by page-table memory" });
      await expect(list.getByRole("option").nth(3)).toBeVisible();
      const all = await save(lab, "Export this machine", "SVG", `all-${theme}.svg`).then(wordsOf);
      expect(all).toMatch(/^This machine: page tables by process: .* are empty tables and .* are needed\./);
      expect(all).toMatch(/process, page tables, by cause, VmPTE, empty, of RSS, last minute: /);
      expect(all).toMatch(/Reclaim Lab · linux x64 \S+ · seen \d{4}-\d\d-\d\d \d\d:\d\d UTC · engine/);

      await page.getByRole("searchbox", { name: "Find a process by its name or pid" }).fill(String(known.pid));
      await expect(list.getByRole("option")).toHaveCount(1);
      const { surface, empty } = COLORS[theme];
      const one = await save(lab, "Export this machine", "PNG", `one-${theme}.png`);
      expect(await pixelsOf(one, empty)).toBeGreaterThan(5000);
      expect(await pixelsOf(one, surface)).toBeGreaterThan(200_000);
      expect(await save(lab, "Export this machine", "SVG", `one-${theme}.svg`).then(wordsOf)).toMatch(
        new RegExp(`1 of 1 rows .*: reclaim-probe ${known.pid} `),
      );

      await list.getByRole("option").click();
      const panel = page.getByRole("complementary", { name: "The process" });
      await expect(panel.getByText("empty 150", { exact: false }).first()).toBeVisible();
      const seen = await save(lab, "Export the process", "SVG", `process-${theme}.svg`).then(wordsOf);
      expect(seen).toMatch(new RegExp(`^reclaim-probe: page tables: pid ${known.pid} · .*Not a problem`));
      expect(seen).toMatch(/empty 600 KiB/);
      expect(seen).toMatch(/What would change it, saves: .*A restart up to 600 KiB/);
      expect(seen).toContain("Its tables, address, one cell = 1 PTE table");
      // As in every view: the picture of what is open.
      await lab.answerSaveDialogs(join(lab.folder, `keys-${theme}.png`));
      await page.keyboard.press("Control+Shift+E");
      await expect(page.getByText(`Exported keys-${theme}.png`)).toBeVisible();
      await keep(join(lab.folder, `keys-${theme}.png`));
      expect(await pixelsOf(join(lab.folder, `keys-${theme}.png`), empty)).toBeGreaterThan(50_000);
      await expectAccessible(page, `live with its exports, ${theme}`);
    });
});
