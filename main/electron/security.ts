/** What no window of this program may do, set once for every web contents that will ever be. */
import type { App, Session, WebFrameMain } from "electron";
import { WINDOW_ORIGIN } from "./window-files.ts";

/** No navigation, no new window, no webview, whatever asks. */
export function refuseToLeave(app: App): void {
  app.on("web-contents-created", (_event, contents) => {
    contents.on("will-navigate", (event) => event.preventDefault());
    contents.on("will-frame-navigate", (event) => event.preventDefault());
    contents.on("will-redirect", (event) => event.preventDefault());
    contents.on("will-attach-webview", (event) => event.preventDefault());
    contents.setWindowOpenHandler(() => ({ action: "deny" }));
  });
}

/** Every permission is denied, asked for or looked up. */
export function denyPermissions(session: Session): void {
  session.setPermissionRequestHandler((_contents, _permission, decide) => decide(false));
  session.setPermissionCheckHandler(() => false);
  session.setDevicePermissionHandler(() => false);
}

/** Is this the top frame of our own page? */
export function isOurFrame(frame: WebFrameMain | null): boolean {
  if (frame === null || frame.parent !== null) return false;
  try {
    return new URL(frame.url).origin === WINDOW_ORIGIN || frame.url.startsWith(`${WINDOW_ORIGIN}/`);
  } catch {
    return false;
  }
}
