/** The chart of an experiment: what is drawn, zoom and pan with mouse and keys, the crosshair, the table, the clipboard. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, type LabApp, test } from "./fixtures.ts";
import { ExperimentPage, runHeadline } from "./pages.ts";

async function openHeadline(lab: LabApp) {
  await lab.resize(1280, 800);
  await runHeadline(lab.page);
  const chart = lab.page.getByRole("region", { name: "Chart" });
  return { chart, plane: chart.getByRole("slider") };
}

test("the crosshair reads both modes; zoom and pan by mouse and by keys", async ({ lab }) => {
  const { page } = lab;
  const { chart, plane } = await openHeadline(lab);
  const all = chart.getByRole("button", { name: "All" });
  await expect(all).toBeDisabled();
  const box = await plane.boundingBox();
  if (!box) throw new Error("the chart is not drawn");
  const y = box.y + box.height * 0.4;
  await page.mouse.move(box.x + box.width * 0.5, y);
  await expect(plane).toHaveAttribute(
    "aria-valuetext",
    /^operation [\d,]+ · .*: no reclaim [\d.]+ [KM]iB, sync reclaim [\d.]+ [KM]iB$/,
  );
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.6, y, { steps: 4 });
  await page.mouse.up();
  // A part that is selected says its numbers; it is looked at closer when that is asked for.
  const selected = chart.getByRole("group", { name: "Selection" });
  await expect(selected.getByRole("row", { name: /^no reclaim/ })).toContainText(/MiB/);
  await expect(all).toBeDisabled();
  await lab.screenshot("chart-selection");
  await selected.getByRole("button", { name: /^Zoom to selection/ }).click();
  await expect(selected).toHaveCount(0);
  await expect(all).toBeEnabled();
  await lab.screenshot("chart-zoomed");
  await all.click();
  await expect(all).toBeDisabled();

  await plane.focus();
  await page.keyboard.press("Home");
  await expect(plane).toHaveAttribute("aria-valuetext", /^operation 0 · .*: no reclaim 40 KiB, sync reclaim 40 KiB$/);
  await page.keyboard.press("End");
  await expect(plane).toHaveAttribute(
    "aria-valuetext",
    /^operation 51,201 · .*: no reclaim 100\.2 MiB, sync reclaim 240 KiB$/,
  );
  await page.keyboard.press("+");
  await expect(all).toBeEnabled();
  await page.keyboard.press("Shift+ArrowLeft");
  await page.keyboard.press("0");
  await expect(all).toBeDisabled();
  // As in Perfetto: W and S zoom, A and D pan.
  await page.keyboard.press("w");
  await page.keyboard.press("a");
  await expect(all).toBeEnabled();
  for (let press = 0; press < 4; press++) await page.keyboard.press("s");
  await expect(all).toBeDisabled();
});

test("labels at the ends of lines are of what is seen: zoomed, the value at its edge", async ({ lab }) => {
  const { page } = lab;
  const { chart, plane } = await openHeadline(lab);
  /** What is written on canvases from now on, and what of it was written since the last question. */
  await page.evaluate(() => {
    const written: string[] = [];
    Object.assign(window, { written });
    const { fillText } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.fillText = function (this: CanvasRenderingContext2D, ...all) {
      written.push(all[0]);
      fillText.apply(this, all);
    };
  });
  const written = () =>
    page.evaluate(async () => {
      const { written } = window as unknown as { written: string[] };
      for (let frame = 0; frame < 4; frame++) await new Promise(requestAnimationFrame);
      return written.splice(0);
    });
  await plane.focus();
  await page.keyboard.press("Home");
  for (let press = 0; press < 4; press++) await page.keyboard.press("w");
  await written();
  // Drawn anew, as it is.
  await chart.getByText("linear", { exact: true }).click();
  const seen = await written();
  expect(seen).toContain("no reclaim");
  expect(seen).not.toContain("100.2 MiB");
});

test("a link to a view opens it again: metric, axis, zoom", async ({ lab }) => {
  const { page } = lab;
  const { chart, plane } = await openHeadline(lab);
  await chart.getByText("Freed", { exact: true }).click();
  await chart.getByText("time", { exact: true }).click();
  await plane.focus();
  await page.keyboard.press("End");
  await page.keyboard.press("w");
  await chart.getByRole("button", { name: "Copy a link to this view" }).click();
  await expect(page.getByText("Link copied")).toBeVisible();
  const link = await lab.app.evaluate(({ clipboard }) => clipboard.readText());
  expect(link).toMatch(/^reclaim-lab:\/\/view\/[\w-]+\?metric=freed&axis=time.*&from=[\d.]+&to=[\d.]+$/);
  await chart.getByRole("button", { name: "All" }).click();
  await chart.getByText("RSS", { exact: true }).click();
  await chart.getByText("operations", { exact: true }).click();
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("option", { name: /The series' own/ }).first()).toBeVisible();
  // A history that has not answered yet shows what it found for the words before: the link is what Enter opens.
  const host = await lab.hostPid();
  process.kill(host, "SIGSTOP");
  try {
    await page.keyboard.insertText(link);
    await expect(page.getByRole("option", { name: /^Open this view/ })).toBeVisible();
    await page.keyboard.press("Enter");
    await expect(page.getByRole("combobox", { name: /^Search runs/ })).toBeHidden();
  } finally {
    process.kill(host, "SIGCONT");
  }
  await expect(chart.getByRole("radio", { name: "Freed" })).toBeChecked();
  await expect(chart.getByRole("radio", { name: "time" })).toBeChecked();
  await expect(chart.getByRole("button", { name: "All" })).toBeEnabled();
});

test("other things to draw, both scales, both axes; remembered after a restart", async ({ lab }) => {
  const { chart, plane } = await openHeadline(lab);
  const { page } = lab;
  await chart.getByText("Freed", { exact: true }).click();
  await chart.getByText("linear", { exact: true }).click();
  await chart.getByText("time", { exact: true }).click();
  await plane.focus();
  await page.keyboard.press("End");
  await expect(plane).toHaveAttribute(
    "aria-valuetext",
    /^\d+(\.\d+)? s · operation 51,201: no reclaim 0, sync reclaim 25,\d+$/,
  );
  await lab.call("app.setSettings", { theme: "dark" });
  await lab.restart();
  await expect(lab.page.locator("html")).toHaveAttribute("data-theme", "dark");
  const again = lab.page.getByRole("region", { name: "Chart" });
  await expect(again.getByRole("radio", { name: "Freed" })).toBeChecked();
  await expect(again.getByRole("radio", { name: "linear" })).toBeChecked();
  await expect(again.getByRole("radio", { name: "time" })).toBeChecked();
  await again.getByRole("combobox", { name: "Other metrics" }).selectOption({ label: "VIRT" });
  await again.getByRole("slider").focus();
  await lab.page.keyboard.press("End");
  await expect(again.getByRole("slider")).toHaveAttribute("aria-valuetext", /sync reclaim 50 GiB/);
});

/** What an exported SVG says of itself. */
async function described(lab: LabApp, shown: ExperimentPage, file: string, part?: RegExp): Promise<string> {
  const path = join(lab.folder, file);
  await lab.answerSaveDialogs(path);
  await shown.exportAs("SVG", part);
  await expect(lab.page.getByText(`Exported ${file}`)).toBeVisible();
  const svg = await readFile(path, "utf8");
  return `${/<desc[^>]*>([^<]*)</.exec(svg)?.[1]} ${createHash("sha256").update(svg).digest("hex")}`;
}

test("an exported picture is what is seen: metric, axes, zoom; all of it is another choice", async ({ lab }) => {
  const { page } = lab;
  const { chart, plane } = await openHeadline(lab);
  const shown = new ExperimentPage(page);
  const first = await described(lab, shown, "first.svg");
  expect(first).toMatch(/VmPTE over operations [0-9a-f]{64}$/);
  await chart.getByText("RSS", { exact: true }).click();
  await chart.getByText("time", { exact: true }).click();
  expect(await described(lab, shown, "rss.svg")).toMatch(/RSS over simulated time [0-9a-f]{64}$/);
  await plane.focus();
  await page.keyboard.press("End");
  await page.keyboard.press("+");
  await page.keyboard.press("+");
  const zoomed = await described(lab, shown, "zoomed.svg");
  expect(zoomed).toMatch(/RSS over simulated time, [\d.]+ s to ([\d.]+ s) of \1 [0-9a-f]{64}$/);
  const all = await described(lab, shown, "all.svg", /^Charts of the whole run/);
  expect(all).toMatch(/RSS over simulated time [0-9a-f]{64}$/);
  const linear = chart.getByText("linear", { exact: true });
  await linear.click();
  expect(await described(lab, shown, "linear.svg")).not.toBe(zoomed);
});

test("chart and table go to the clipboard", async ({ lab }) => {
  const { chart } = await openHeadline(lab);
  await chart.getByRole("button", { name: "Copy the chart" }).click();
  await expect(lab.page.getByText("Chart copied")).toBeVisible();
  const size = await lab.appToAsk.evaluate((electron) => {
    const { clipboard } = electron as unknown as { clipboard: { readImage(): { getSize(): unknown } } };
    return clipboard.readImage().getSize();
  });
  expect(size).toEqual({ width: 2400, height: 1280 });
  await chart.getByRole("button", { name: "Table" }).click();
  await chart.getByRole("button", { name: "Copy the table" }).click();
  await expect(lab.page.getByText("Samples copied")).toBeVisible();
  const text = await lab.clipboardText();
  const lines = text.trim().split("\n");
  expect(lines[0]).toBe("operations\ttime (ns)\tVmPTE no reclaim (kB)\tVmPTE sync reclaim (kB)");
  expect(lines.at(-1)).toMatch(/^51201\t\d+\t102640\t240$/);
});

test("the table of a run that waits in the queue appears with its first sample", async ({ lab }) => {
  const { page } = lab;
  const preset = { kind: "preset" as const, name: "commit-table" };
  const before = await lab.call("experiment.start", { workload: { ...preset, params: { rounds: 5000 } } });
  await lab.call("experiment.start", { workload: { ...preset, params: {} }, title: "waits" });
  await page.getByRole("navigation", { name: "History" }).getByRole("option", { name: /waits/ }).click();
  const chart = page.getByRole("region", { name: "Chart" });
  await expect(chart.getByText("The chart appears with the first sample.")).toBeVisible();
  await chart.getByRole("button", { name: "Table" }).click();
  await expect(chart.getByText("The table appears with the first sample.")).toBeVisible();
  await lab.call("experiment.cancel", { id: before.id });
  await expect(chart.getByRole("table", { name: "Samples: VmPTE" }).getByRole("row")).not.toHaveCount(0);
  await expect(chart.getByText("appears with the first sample")).toHaveCount(0);
});
