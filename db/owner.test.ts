import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { claimOwner, isAlive, releaseOwner } from "./owner.ts";

function statOf(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

describe.runIf(process.platform === "linux")("the owner of a run", () => {
  test("lives as long as its store", () => {
    const owner = claimOwner();
    expect(isAlive(owner, 0, 1e9)).toBe(true);
    releaseOwner(owner);
    expect(isAlive(owner, 0, 1e9)).toBe(false);
  });

  test("is dead once its process has ended, also while its parent has not noticed", async () => {
    // A shell's child whose shell becomes a program that never asks for it: it stays a zombie when it ends.
    const parent = spawn("sh", ["-c", "sleep 0.3 & echo $!; exec sleep 60"], { stdio: ["ignore", "pipe", "ignore"] });
    try {
      const [line] = await once(parent.stdout, "data");
      const pid = Number(String(line));
      const owner = { ...claimOwner(), pid, start: statOf(pid)[19] ?? "" };
      expect(isAlive(owner, 0, 1e9)).toBe(true);
      while (statOf(pid)[0] !== "Z") await sleep(20);
      expect(isAlive(owner, 0, 1e9)).toBe(false);
    } finally {
      parent.kill();
    }
  });
});
