/** The pictures of the README: the series' own experiment, as it looks after the first click. */
import { expect, test } from "./fixtures.ts";
import { runHeadline } from "./pages.ts";

for (const theme of ["light", "dark"] as const)
  test(`the first-run page runs the 50 GB experiment in one click (${theme})`, async ({ lab }) => {
    await lab.useTheme(theme);
    await lab.resize(1280, 800);
    const shown = await runHeadline(lab.page);
    expect(await shown.row("VmPTE at the end")).toEqual({ "no reclaim": 102_640, "sync reclaim": 240 });
    await expect(lab.page.locator("main")).toContainText("99.8 % less");
    await expect(lab.page.getByRole("region", { name: "Page tables" }).getByRole("list")).toContainText("empty 25,600");
    await lab.screenshot(`experiment-${theme}`);
  });
