/** The window's views as their users see them: by role, name and what they read. */
import { expect, type Locator, type Page } from "@playwright/test";

export class NewExperimentPage {
  readonly #page: Page;
  readonly run: Locator;

  constructor(page: Page) {
    this.#page = page;
    this.run = page.locator("main").getByRole("button", { name: "Run", exact: true });
  }

  async open(): Promise<void> {
    await this.#page.getByRole("banner").getByRole("button", { name: "New experiment" }).click();
    await expect(this.run).toBeVisible();
  }

  field(label: string): Locator {
    return this.#page.locator("main").getByRole("textbox", { name: label, exact: true });
  }
}

export class ExperimentPage {
  readonly #page: Page;
  readonly title: Locator;
  readonly cancel: Locator;
  readonly numbers: Locator;

  constructor(page: Page) {
    this.#page = page;
    const main = page.locator("main");
    this.title = main.getByRole("heading", { level: 1 });
    this.cancel = main.getByRole("button", { name: /^Cancel/ });
    this.numbers = main.getByRole("table", { name: /Numbers/ });
  }

  /** A row of the numbers by policy, exact as where the pointer rests: kB, or a count. */
  async row(label: string): Promise<Readonly<Record<string, number>>> {
    const heads = (await this.numbers.getByRole("columnheader").allInnerTexts()).slice(1);
    const row = this.numbers
      .getByRole("row")
      .filter({ has: this.#page.getByRole("rowheader", { name: label, exact: true }) });
    const titles = await row.getByRole("cell").evaluateAll((cells) => cells.map((cell) => (cell as HTMLElement).title));
    return Object.fromEntries(
      titles.map((title, at) => [heads[at]?.trim() ?? "", Number(/^[\d,]+/.exec(title)?.[0].replaceAll(",", ""))]),
    );
  }

  async waitUntilDone(): Promise<void> {
    await expect(this.cancel).toHaveCount(0);
  }

  /** `part`: what charts hold, where that is not what is shown. */
  async exportAs(format: string, part?: RegExp): Promise<void> {
    await this.#page.locator("main").getByRole("button", { name: "Export", exact: true }).click();
    if (part) await this.#page.getByRole("menuitemradio", { name: part }).click();
    await this.#page.getByRole("menuitem", { name: new RegExp(`^${format}`) }).click();
  }
}

export class HistoryPane {
  readonly rows: Locator;
  readonly search: Locator;

  constructor(page: Page) {
    const pane = page.getByRole("navigation", { name: "History" });
    this.rows = pane.getByRole("option");
    this.search = pane.getByRole("searchbox");
  }
}

/** Runs the 50 GB experiment from the first page, to its end. */
export async function runHeadline(page: Page): Promise<ExperimentPage> {
  await page.getByRole("button", { name: "Run the 50 GB experiment" }).click();
  const shown = new ExperimentPage(page);
  await expect(shown.numbers).toBeVisible();
  await shown.waitUntilDone();
  return shown;
}
