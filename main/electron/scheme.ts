/** The window's own scheme: serves the built renderer, and nothing beside it. */
import { readFile } from "node:fs/promises";
import { extname, join, resolve, sep } from "node:path";
import { protocol } from "electron";

const SCHEME = "reclaim-lab";
const HOST = "window";
export const WINDOW_ORIGIN = `${SCHEME}://${HOST}`;
export const WINDOW_URL = `${WINDOW_ORIGIN}/index.html`;

/** Nothing inline, nothing from elsewhere, no evaluation. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

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

/** Before the app is ready. */
export function registerScheme(): void {
  protocol.registerSchemesAsPrivileged([{ scheme: SCHEME, privileges: { standard: true, secure: true } }]);
}

/** Once the app is ready. */
export function serveWindow(root: string): void {
  protocol.handle(SCHEME, async (request) => {
    const found = fileFor(root, request.method, request.url);
    if (typeof found === "number") return new Response(null, { status: found });
    try {
      return new Response(await readFile(found.file), {
        headers: {
          "content-type": found.type,
          "content-security-policy": CONTENT_SECURITY_POLICY,
          "x-content-type-options": "nosniff",
        },
      });
    } catch {
      return new Response(null, { status: 404 });
    }
  });
}
