import { mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { detect } from "../../probe/detect.ts";
import { resultOf } from "../answer.ts";
import { openLab } from "./lab.ts";
import { commandOf, environmentOf } from "./typed-command.ts";

it("a command is parted as a shell parts it, and a path in it is one from its folder", () => {
  expect(commandOf(`./serve --name "two words" 'a;b' $HOME`, "/tmp")).toEqual({
    words: ["/tmp/serve", "--name", "two words", "a;b", "$HOME"],
    cwd: "/tmp",
  });
  expect(commandOf("redis-server", "")).toEqual({ words: ["redis-server"], cwd: homedir() });
  expect(commandOf("true", "~").cwd).toBe(homedir());
  expect(() => commandOf("  ", "/tmp")).toThrow("This is not a command");
});

it("the environment is this one's with what was typed, and nothing of the desktop program's own", () => {
  process.env.ELECTRON_TEST_OF_TYPED_COMMAND = "1";
  try {
    const env = environmentOf("A=1\n\n  B=x y=z \n");
    expect([env.A, env.B, env.PATH]).toEqual(["1", "x y=z", process.env.PATH]);
    expect(env.ELECTRON_TEST_OF_TYPED_COMMAND).toBeUndefined();
  } finally {
    delete process.env.ELECTRON_TEST_OF_TYPED_COMMAND;
  }
  expect(() => environmentOf("1A=2")).toThrow("is not VAR=VALUE");
});

it.skipIf(!detect().available)("a trial that was typed runs the program as it is and under each setting", async () => {
  const folder = await mkdtemp(join(tmpdir(), "typed-trial-"));
  let ended = 0;
  let all: () => void = () => undefined;
  const done = new Promise<void>((resolve) => {
    all = resolve;
  });
  const lab = openLab({
    file: join(folder, "history.sqlite"),
    emit: (name) => {
      if (name === "run.ended" && ++ended === 2) all();
    },
    log: (error) => {
      throw error;
    },
  });
  try {
    const asked = { command: "sleep 0.3", folder, settings: ["greeted: GREETING='hello there'"], repeat: 1 };
    const { id, sweep } = resultOf("trial.run", await lab.call("trial.run", asked));
    expect(sweep?.settings).toEqual([
      { name: "as it is", env: {} },
      { name: "greeted", env: { GREETING: "hello there" } },
    ]);
    await done;
    const { runs } = resultOf("experiment.get", await lab.call("experiment.get", { id }));
    expect(runs.map(({ label, status }) => [label, status])).toEqual([
      ["as it is", "done"],
      ["greeted", "done"],
    ]);
  } finally {
    await lab.close();
    await rm(folder, { recursive: true, force: true });
  }
});
