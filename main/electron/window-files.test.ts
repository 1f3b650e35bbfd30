import { expect, it } from "vitest";
import { fileFor } from "./window-files.ts";

const at = (address: string, method = "GET") => fileFor("/app/renderer", method, address);

it("finds the window's files and their types", () => {
  expect(at("reclaim-lab://window/index.html")).toEqual({
    file: "/app/renderer/index.html",
    type: "text/html; charset=utf-8",
  });
  expect(at("reclaim-lab://window/assets/a.js")).toMatchObject({ file: "/app/renderer/assets/a.js" });
});

it.each([
  ["reclaim-lab://window/..%2f..%2fetc%2fpasswd", 403],
  ["reclaim-lab://window/%2e%2e%2f..%2fmain%2findex.js", 403],
  ["reclaim-lab://window/..%2frenderer-other%2fa.js", 403],
  ["reclaim-lab://elsewhere/index.html", 403],
  ["file:///app/renderer/index.html", 403],
  ["https://window/index.html", 403],
  ["reclaim-lab://window/index.html%00.js", 400],
  ["reclaim-lab://window/%zz", 400],
  ["not an address", 400],
  ["reclaim-lab://window/", 403],
  ["reclaim-lab://window/secret.sqlite", 404],
])("refuses %s", (address, status) => {
  expect(at(address)).toBe(status);
});

it("answers GET alone", () => {
  for (const method of ["POST", "PUT", "HEAD", "DELETE"])
    expect(at("reclaim-lab://window/index.html", method)).toBe(405);
});
