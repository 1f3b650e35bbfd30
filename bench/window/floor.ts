/** The floor of the window's figures: the least that an app of these processes takes, measured in the same run. */
import { join } from "node:path";
import { _electron, type Page } from "@playwright/test";
import { electronSwitches } from "../../scripts/lib/display.ts";

/** All in ms; frames a second. */
export interface Floor {
  readonly launch: number;
  readonly point: number;
  readonly fps: number;
  readonly list: number;
  readonly samples: number;
}

type Asks = typeof globalThis & { floor: { ask(what: string): Promise<Float64Array[]> } };

const least = async (times: number, body: () => Promise<number>): Promise<number> => {
  let found = Number.POSITIVE_INFINITY;
  for (let i = 0; i < times; i++) found = Math.min(found, await body());
  return found;
};

/** From a click until the frame with the first point is through. */
const point = (page: Page): Promise<number> =>
  page.evaluate(async () => {
    const start = performance.now();
    await (globalThis as Asks).floor.ask("point");
    const context = document.querySelector("canvas")?.getContext("2d");
    context?.fillRect(Math.random() * 800, Math.random() * 300, 20, 20);
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    return performance.now() - start;
  });

const list = (page: Page): Promise<number> =>
  page.evaluate(async () => {
    const start = performance.now();
    await (globalThis as Asks).floor.ask("rows");
    return performance.now() - start;
  });

/** A point a pixel column, least and most: what any chart of so many samples has to look at. */
const samples = (page: Page): Promise<number> =>
  page.evaluate(async () => {
    const start = performance.now();
    const [, values = new Float64Array()] = await (globalThis as Asks).floor.ask("samples");
    const canvas = document.querySelector("canvas");
    const context = canvas?.getContext("2d");
    if (!canvas || !context) throw new Error("no canvas");
    context.beginPath();
    for (let x = 0; x < canvas.width; x++) {
      let [low, high] = [Number.POSITIVE_INFINITY, 0];
      const to = Math.floor(((x + 1) * values.length) / canvas.width);
      for (let i = Math.floor((x * values.length) / canvas.width); i < to; i++) {
        low = Math.min(low, values[i]);
        high = Math.max(high, values[i]);
      }
      context.moveTo(x, low / 10);
      context.lineTo(x, high / 10);
    }
    context.stroke();
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    return performance.now() - start;
  });

const frames = (page: Page): Promise<number> =>
  page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        const start = performance.now();
        let count = 0;
        const next = () => {
          const spent = performance.now() - start;
          if (++count && spent < 2000) requestAnimationFrame(next);
          else resolve((count * 1000) / spent);
        };
        requestAnimationFrame(next);
      }),
  );

/** `file`: a history with 10,000 experiments and a run of 100,000 samples. */
export async function measureFloor(executablePath: string, file: string): Promise<Floor> {
  let launch = Number.POSITIVE_INFINITY;
  for (let times = 0; ; times++) {
    const start = performance.now();
    const app = await _electron.launch({
      executablePath,
      args: [...electronSwitches(), join(import.meta.dirname, "floor")],
      env: { ...(process.env as Record<string, string>), FLOOR_NODE: process.execPath, FLOOR_FILE: file },
    });
    const page = await app.firstWindow();
    await page.locator("canvas").waitFor();
    launch = Math.min(launch, performance.now() - start);
    if (times === 0) {
      await app.close();
      continue;
    }
    await page.waitForTimeout(500);
    const floor = {
      launch,
      fps: await frames(page),
      point: await least(3, () => point(page)),
      list: await least(3, () => list(page)),
      samples: await least(3, () => samples(page)),
    };
    await app.close();
    return floor;
  }
}
