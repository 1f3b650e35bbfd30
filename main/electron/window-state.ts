/** Where the window was, so that it comes back there. */
import { join } from "node:path";
import { type BrowserWindow, screen } from "electron";
import * as v from "valibot";
import { readConvenience, writeJson } from "../json-file.ts";

const stateSchema = v.object({
  x: v.nullable(v.pipe(v.number(), v.integer())),
  y: v.nullable(v.pipe(v.number(), v.integer())),
  width: v.pipe(v.number(), v.integer(), v.minValue(640)),
  height: v.pipe(v.number(), v.integer(), v.minValue(480)),
  maximized: v.boolean(),
});
type WindowState = v.InferOutput<typeof stateSchema>;

const FIRST: WindowState = { x: null, y: null, width: 1440, height: 900, maximized: false };

/** The bounds to open with: the last ones, where a screen still shows them; else in the middle, no larger than the screen. */
export function lastState(folder: string): WindowState {
  const state = readConvenience(join(folder, "window-state.json"), stateSchema, FIRST);
  const { x, y, width } = state;
  const seen =
    x !== null &&
    y !== null &&
    screen.getAllDisplays().some(({ workArea: area }) => {
      const inside = (at: number, start: number, size: number) => at >= start && at < start + size;
      return inside(x + Math.min(width, 200) / 2, area.x, area.width) && inside(y + 10, area.y, area.height);
    });
  if (seen) return state;
  const { width: widthMax, height: heightMax } = screen.getPrimaryDisplay().workAreaSize;
  const height = Math.min(state.height, heightMax);
  return { ...state, x: null, y: null, width: Math.min(width, widthMax), height };
}

/** Keeps the state when the window closes. */
export function rememberState(window: BrowserWindow, folder: string): void {
  window.on("close", () => {
    const { x, y, width, height } = window.getNormalBounds();
    try {
      writeJson(join(folder, "window-state.json"), { x, y, width, height, maximized: window.isMaximized() });
    } catch (error) {
      console.error("window state:", error);
    }
  });
}
