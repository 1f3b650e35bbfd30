/** What can go wrong with a measured run. */
import { ReclaimLabError } from "../engine/error.ts";

/** Measured runs are not possible here: no Linux, no compiler, no probe, or a kernel without the feature. */
export class MeasuredUnavailableError extends ReclaimLabError {
  override readonly name: string = "MeasuredUnavailableError";
}

/** The workload's memory does not fit this machine; nothing was started. */
export class MeasuredTooLargeError extends ReclaimLabError {
  override readonly name: string = "MeasuredTooLargeError";
}

/** The workload asks for something that is not run on a real machine. */
export class NotMeasurableError extends ReclaimLabError {
  override readonly name: string = "NotMeasurableError";
}

/** The probe stopped, was killed, or ran short of memory while the run was under way. */
export class ProbeDiedError extends ReclaimLabError {
  override readonly name: string = "ProbeDiedError";
}

/** A program of the lab's own work (the probe, perf, a shell) cannot be started. */
export class NotStartedError extends ReclaimLabError {
  override readonly name: string = "NotStartedError";
}

/** A program cannot be recorded. */
export class CaptureError extends ReclaimLabError {
  override readonly name: string = "CaptureError";
}
