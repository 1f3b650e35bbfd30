/** Which file an address of the window's own scheme means. */
import { extname, join, resolve, sep } from "node:path";

export const SCHEME = "reclaim-lab";
const HOST = "window";
export const WINDOW_ORIGIN = `${SCHEME}://${HOST}`;
export const WINDOW_URL = `${WINDOW_ORIGIN}/index.html`;

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".woff2": "font/woff2",
};

/** The file that a request asks for, or the status that refuses it. `root`: the renderer's folder, absolute. */
export function fileFor(root: string, method: string, address: string): { file: string; type: string } | number {
  if (method !== "GET") return 405;
  let path: string;
  try {
    const url = new URL(address);
    if (url.protocol !== `${SCHEME}:` || url.host !== HOST) return 403;
    path = decodeURIComponent(url.pathname);
  } catch {
    return 400;
  }
  if (path.includes("\0")) return 400;
  const file = resolve(join(root, path));
  if (!file.startsWith(root + sep)) return 403;
  const type = TYPES[extname(file)];
  return type === undefined ? 404 : { file, type };
}
