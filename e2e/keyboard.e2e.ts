/** By the keyboard alone: every view is reached and left, all of it is walked through, and what has the focus shows it in full. */
import type { JSHandle } from "@playwright/test";
import { expect, type LabApp, test } from "./fixtures.ts";
import { cutRing } from "./focus.ts";
import { HistoryPane } from "./pages.ts";
import { runToEnd } from "./runs.ts";

const PRESSES_MAX = 400;

/**
 * What has the focus, and whether it shows: null where the page itself has it. `passed` holds the elements that have had it: by
 * themselves, since a view that is still being drawn puts another one in the same place.
 */
const focused = (lab: LabApp, passed: JSHandle<WeakSet<Element>>) =>
  lab.page.evaluate((passed) => {
    const now = document.activeElement;
    if (!now || now === document.body) return null;
    const again = passed.has(now);
    passed.add(now);
    const active = now.getAttribute("aria-activedescendant");
    const marked = [now, ...(active ? [document.getElementById(active)] : [])].flatMap((each) =>
      each ? [each, ...each.querySelectorAll("*")] : [],
    );
    const box = now.getBoundingClientRect();
    return {
      again,
      words: `${now.tagName} "${(now.getAttribute("aria-label") ?? now.textContent ?? "").trim().slice(0, 40)}"`,
      shows: marked.some((each) => {
        const { outlineStyle, boxShadow } = getComputedStyle(each);
        return outlineStyle !== "none" || boxShadow.includes("inset");
      }),
      inWindow: box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth,
    };
  }, passed);

/** Tab from where the focus is until it is there again. */
async function walk(lab: LabApp, view: string): Promise<string[]> {
  const passed = await lab.page.evaluateHandle(() => new WeakSet<Element>());
  const words: string[] = [];
  for (let presses = 0; presses < PRESSES_MAX; presses++) {
    await lab.page.keyboard.press("Tab");
    const now = await focused(lab, passed);
    if (now === null) continue;
    if (now.again) return words;
    words.push(now.words);
    expect(await cutRing(lab.page), `${view}: ${now.words}`).toBeNull();
    expect(now, `${view}: ${now.words}`).toMatchObject({ shows: true, inWindow: true });
  }
  throw new Error(`${view}: the focus does not come back`);
}

test("every view is reached, walked through and left again", async ({ lab }) => {
  await lab.resize(1280, 800);
  const { page } = lab;
  const heading = page.getByRole("heading", { level: 1 });
  for (const title of ["one", "two"]) await runToEnd(lab, title, { size: 2 ** 28 });
  await expect(new HistoryPane(page).rows).toHaveCount(2);

  /** Opens a view by the palette. */
  const find = (typed: string) => async (): Promise<void> => {
    await page.keyboard.press("Control+k");
    await expect(page.getByRole("combobox", { name: /^Search runs/ })).toBeFocused();
    await page.keyboard.type(typed);
    await expect(page.getByRole("option").first()).toBeVisible();
    await page.keyboard.press("Enter");
  };
  const press = (keys: string) => (): Promise<void> => page.keyboard.press(keys);
  const views: readonly (readonly [name: string, open: () => Promise<void>, title: string | RegExp])[] = [
    ["the first page", press("Alt+Home"), "Where do your page tables go?"],
    ["live", press("Control+4"), "This machine"],
    ["races", press("Control+3"), "Races"],
    ["the history as a table", press("Control+5"), "History"],
    ["a recording", press("Control+6"), "Record a program"],
    ["a new experiment", press("Control+n"), "The series' own experiment"],
    ["the machine", find("what this machine has"), "What this machine has"],
    ["policies", find("which would help"), "jemalloc: decay and purge"],
  ];
  for (const [name, open, title] of views) {
    await page.keyboard.press("Control+1");
    await page.keyboard.press("Home");
    await page.keyboard.press("Enter");
    await expect(heading).toHaveText("two");
    await open();
    await expect(heading, name).toHaveText(title);
    expect((await walk(lab, name)).length, name).toBeGreaterThan(4);
    await page.keyboard.press("Alt+ArrowLeft");
    await expect(heading, `back from ${name}`).toHaveText("two");
  }
  const passed = await walk(lab, "an experiment");
  expect(passed.length, passed.join(", ")).toBeGreaterThan(20);

  await page.keyboard.press("Control+1");
  for (const key of ["Home", "Space", "ArrowDown", "Space"]) await page.keyboard.press(key);
  await page.keyboard.press("Control+Shift+c");
  await expect(heading).toHaveText("Compare 4 runs");
  expect((await walk(lab, "a comparison")).length).toBeGreaterThan(15);
  await page.keyboard.press("Alt+ArrowLeft");
  await expect(heading).toHaveText("two");
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
  expect(await cutRing(page)).toBeNull();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
});

test("what has the focus before the menus are made has it when they are", async ({ lab }) => {
  const { page } = lab;
  await runToEnd(lab, "one", { size: 2 ** 28 });
  await expect(new HistoryPane(page).rows).toHaveCount(1);
  for (const name of ["Compare…", "Export", "More actions"]) {
    await page.keyboard.press("Alt+Home");
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Where do your page tables go?");
    await page.evaluate((name) => {
      const observer = new MutationObserver(() => {
        const stands = [...document.querySelectorAll<HTMLElement>("#view header [aria-disabled='true']")];
        const wanted = stands.find((each) => (each.getAttribute("aria-label") ?? each.textContent) === name);
        if (!wanted) return;
        observer.disconnect();
        wanted.focus();
      });
      observer.observe(document.body, { childList: true, subtree: true });
    }, name);
    await page.keyboard.press("Control+1");
    await expect(page.locator("#history-list")).toBeFocused();
    for (const key of ["Home", "Enter"]) await page.keyboard.press(key);
    const menu = page.locator("#view header").getByRole("button", { name, exact: true });
    await expect(menu).toHaveAttribute("aria-haspopup", "menu");
    await expect(menu).toBeFocused();
  }
});
