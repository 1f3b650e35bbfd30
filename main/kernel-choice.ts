/** The kernel that a command was given by --kernel: a profile's name, `this`, or a file. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { BadInputError } from "../engine/error.ts";
import type { KernelProfile } from "../engine/mm/kernel-profile.ts";
import { parseKernelProfile } from "../engine/mm/kernel-profile-fields.ts";
import { KERNEL_PROFILES } from "../engine/mm/kernel-profiles.ts";
import { requireThisProfile } from "../probe/this-kernel.ts";

const THIS = "this";
/** A profile is some 30 fields. */
const FILE_BYTES_MAX = 2 ** 20;

/** What --kernel takes, in words. */
export const KERNEL_CHOICES = `${[...KERNEL_PROFILES.keys()].join(", ")}, ${THIS} (found out by trying), or a JSON file`;

function readProfile(path: string): KernelProfile {
  const bad = (why: string, cause?: unknown): never => {
    throw new BadInputError("this is not a kernel profile", { where: path, why, cause });
  };
  const stat = statSync(path);
  if (!stat.isFile()) return bad("it is no file");
  if (stat.size > FILE_BYTES_MAX) return bad("it has more than 1 MiB");
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    return bad(error instanceof SyntaxError ? "it is not JSON" : "it cannot be read", error);
  }
  return parseKernelProfile(value, path);
}

/**
 * The profile that `choice` names. Errors: BadInputError where it names none, or a file that has none; NoKernelError where the running kernel
 * cannot be asked.
 */
export function chosenKernel(choice: string): KernelProfile {
  if (choice === THIS) return requireThisProfile();
  const known = KERNEL_PROFILES.get(choice);
  if (known !== undefined) return known;
  if (existsSync(choice)) return readProfile(choice);
  throw new BadInputError(`there is no kernel ${JSON.stringify(choice)}, and no file of that name`, {
    where: "--kernel",
    todo: `It is one of ${KERNEL_CHOICES}`,
  });
}
