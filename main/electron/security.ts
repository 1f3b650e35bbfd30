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
    contents.setWebRTCIPHandlingPolicy("disable_non_proxied_udp");
    contents.on("select-bluetooth-device", (event, _devices, choose) => {
      event.preventDefault();
      choose("");
    });
  });
}

/**
 * What the command line of Chromium can be told before it starts: no name is looked up and no address reached, by
 * whatever part of it; WebRTC sends nothing but through a proxy, and there is none.
 */
export function cutOff(app: App): void {
  app.commandLine.appendSwitch("host-resolver-rules", "MAP * ~NOTFOUND");
  app.commandLine.appendSwitch("force-webrtc-ip-handling-policy", "disable_non_proxied_udp");
  app.commandLine.appendSwitch("disable-background-networking");
  app.commandLine.appendSwitch("disable-component-update");
}

/** Nothing is loaded but by our own scheme, downloaded, or taken from a device or a folder. */
export function denyWaysOut(session: Session): void {
  // A port that nobody may listen on: what is sent by way of a proxy gets nowhere.
  void session.setProxy({
    mode: "fixed_servers",
    proxyRules: "http=127.0.0.1:1;https=127.0.0.1:1;socks=127.0.0.1:1",
    proxyBypassRules: "<-loopback>",
  });
  session.on("will-download", (event) => event.preventDefault());
  session.on("file-system-access-restricted", (_event, _details, decide) => decide("deny"));
  session.on("select-hid-device", (event, _details, choose) => {
    event.preventDefault();
    choose();
  });
  session.on("select-serial-port", (event, _ports, _contents, choose) => {
    event.preventDefault();
    choose("");
  });
  session.on("select-usb-device", (event, _details, choose) => {
    event.preventDefault();
    choose();
  });
  session.setDisplayMediaRequestHandler((_request, decide) => decide({}));
  session.webRequest.onBeforeRequest((details, decide) =>
    decide({ cancel: !/^(?:reclaim-lab|blob|data|devtools):/.test(details.url) }),
  );
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
