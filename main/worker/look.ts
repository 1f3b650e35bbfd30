/** Looks at what this machine has, says it, and ends. What it starts gives way to the window, as it does. */
import { parentPort, workerData } from "node:worker_threads";
import * as v from "valibot";
import { askedKernel } from "../../probe/this-kernel.ts";
import { toLabError } from "../answer.ts";
import { lookAround } from "../host/doctor.ts";
import { giveWay } from "./give-way.ts";
import { type LookResult, lookTaskSchema } from "./look-message.ts";

const port = parentPort;
if (port === null) throw new Error("this is a worker of the lab host, not a program");
const { history } = v.parse(lookTaskSchema, workerData);
giveWay();
const seen = lookAround(history).then(
  (facts): LookResult => ({ kind: "seen", facts, asked: askedKernel() }),
  (error: unknown): LookResult => ({ kind: "failed", error: toLabError(error) }),
);
port.postMessage(await seen);
