/** Kernel profiles by name: those that come with the lab, the running kernel's, and files. */
import { existsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { codeOf, whyOf } from "../db/file-error.ts";
import { isRegular, readRegular } from "../db/regular.ts";
import { BadInputError } from "../engine/error.ts";
import type { KernelProfile } from "../engine/mm/kernel-profile.ts";
import { parseKernelProfile } from "../engine/mm/kernel-profile-fields.ts";
import { KERNEL_PROFILES, REFERENCE_PROFILE } from "../engine/mm/kernel-profiles.ts";
import { requireThisProfile, thisKernel } from "./this-kernel.ts";

const THIS = "this";

/** For usage texts: reference|this|6.12|...|FILE. */
export const KERNEL_NAMES = [...KERNEL_PROFILES.keys(), THIS];

/** What `this` is, or a file that is no profile, is as long at most. */
const FILE_BYTES_MAX = 1 << 20;

/**
 * The profile of a name: one that comes with the lab, `this`, else the file of that name (JSON).
 * Errors: BadInputError where there is neither, NoKernelError where the running kernel cannot be asked.
 */
export function namedProfile(name: string): KernelProfile {
  if (name === THIS) return requireThisProfile();
  return KERNEL_PROFILES.get(name) ?? readProfile(name);
}

/** `like`: the values of missing fields; without it a missing field is an error. */
function readProfile(file: string, like?: KernelProfile): KernelProfile {
  const todo = `Name one of ${KERNEL_NAMES.join(", ")}, or a file (reclaim-lab doctor --json prints one)`;
  let text: string;
  try {
    text = readRegular(file);
  } catch (error) {
    throw new BadInputError(`There is no kernel profile ${file}`, {
      why:
        codeOf(error) === "ENOENT"
          ? "it is no name of one, and there is no file of this name"
          : `the file cannot be read: ${whyOf(error)}`,
      todo,
    });
  }
  if (text.length > FILE_BYTES_MAX)
    throw new BadInputError("this is not a kernel profile", { where: file, why: "it has more than 1 MiB", todo });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new BadInputError("this is not a kernel profile", { where: file, why: "it is not JSON", todo });
  }
  if (like === undefined || typeof value !== "object" || value === null) return parseKernelProfile(value, file);
  return parseKernelProfile({ ...like, ...value }, file);
}

/** The file of a capture's folder that says which kernel it was recorded on. */
const CAPTURE_KERNEL = "kernel.json";

/** Keeps the running kernel's profile in a capture's folder; nothing where it cannot be asked. */
export function keepCaptureKernel(folder: string): void {
  const kernel = thisKernel();
  if (kernel.available) writeFileSync(join(folder, CAPTURE_KERNEL), `${JSON.stringify(kernel.profile, null, 2)}\n`);
}

/**
 * The kernel that was recorded beside a file of a capture's folder; null if there is none, as in captures of before. Of what an
 * older version did not ask the kernel it is taken to be like the reference.
 * Errors: BadInputError where it is no profile.
 */
export function captureKernel(file: string): KernelProfile | null {
  const path = join(dirname(file), CAPTURE_KERNEL);
  if (file === "-" || !existsSync(path)) return null;
  if (!isRegular(path))
    throw new BadInputError("this is not a kernel profile", {
      where: path,
      why: "it is a folder, a device or a pipe, not a file",
      todo: `Remove it, or name a kernel with --kernel (${KERNEL_NAMES.join(", ")})`,
    });
  return readProfile(path, REFERENCE_PROFILE);
}
