/** The window's own scheme: serves the built renderer, and nothing beside it. */
import { readFile } from "node:fs/promises";
import { protocol } from "electron";
import { fileFor, SCHEME } from "./window-files.ts";

/** Nothing inline, nothing from elsewhere, no evaluation. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "webrtc 'block'",
].join("; ");

/** Before the app is ready. What V8 compiled of the page's code is kept: the names of its files change with what is in them. */
export function registerScheme(): void {
  const privileges = { standard: true, secure: true, codeCache: true };
  protocol.registerSchemesAsPrivileged([{ scheme: SCHEME, privileges }]);
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
