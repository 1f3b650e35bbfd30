/** Which Electron gets security fixes: its three newest major versions do (electronjs.org/docs/latest/tutorial/electron-timelines). */

/** Of the version that is pinned in package.json, the oldest that was still mended when it was pinned. */
const ELECTRON_SUPPORTED_FROM = 43;

/** What is wrong with an Electron that is past its end of life, in words; null if there is nothing wrong. */
export function electronFault(version: string): string | null {
  const major = Number.parseInt(version, 10);
  if (major >= ELECTRON_SUPPORTED_FROM) return null;
  return `Electron ${version} is past its end of life: unsupported, with known security holes that will not be fixed`;
}

/** What to do about it. */
export const ELECTRON_TODO =
  "Open only files that you trust with it; `npm start` with open network fetches the supported one, `npx install-electron` fetches it manually";
