/** Looks at every page of a history, says what is wrong with it, and ends. */
import { parentPort, workerData } from "node:worker_threads";
import * as v from "valibot";
import { whatIsWrong } from "../../db/open.ts";
import { type CheckResult, checkTaskSchema } from "../contract/worker.ts";

const port = parentPort;
if (port === null) throw new Error("this is a worker of the lab host, not a program");
const { file } = v.parse(checkTaskSchema, workerData);
port.postMessage({ problem: whatIsWrong(file) } satisfies CheckResult);
