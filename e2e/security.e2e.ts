/** Electron's security checklist, tried from inside the page as an attacker who got there would. */
import { execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { CALLS } from "../main/contract.ts";
import { expect, test } from "./fixtures.ts";
import { startAgain } from "./start-again.ts";

test("the page has no Node, no Electron and three functions of the lab only", async ({ lab }) => {
  const seen = await lab.page.evaluate(() => ({
    node: typeof (globalThis as { process?: unknown }).process,
    require: typeof (globalThis as { require?: unknown }).require,
    electron: Object.keys(globalThis).filter((key) => /electron|ipc/i.test(key)),
    lab: Object.keys((globalThis as unknown as { lab: object }).lab).sort(),
  }));
  expect(seen).toEqual({ node: "undefined", require: "undefined", electron: [], lab: ["call", "on", "openDropped"] });
});

test("the window cannot be led away, nor open others", async ({ lab }) => {
  const address = lab.page.url();
  await lab.page.evaluate(() => {
    location.href = "https://example.org/";
  });
  await lab.page.evaluate(() => {
    location.href = "file:///etc/passwd";
  });
  const opened = await lab.page.evaluate(() => window.open("https://example.org/") === null);
  expect(opened).toBe(true);
  expect(lab.page.url()).toBe(address);
  expect(lab.windowCount()).toBe(1);
  // What was refused was told to the console: expected here.
  lab.complaints.length = 0;
});

test("the policy lets nothing inline, foreign or evaluated run", async ({ lab }) => {
  const ran = await lab.page.evaluate(async () => {
    const inline = document.createElement("script");
    inline.textContent = "globalThis.inlineRan = true";
    document.head.append(inline);
    // As text to a timer: what a debugger evaluates itself is let through.
    setTimeout("globalThis.textRan = true" as unknown as () => void, 0);
    // Timers of one delay go off in their order.
    await new Promise((resolve) => setTimeout(resolve, 0));
    const fetched = await fetch("https://example.org/").then(
      () => true,
      () => false,
    );
    return { inline: "inlineRan" in globalThis, text: "textRan" in globalThis, fetched };
  });
  expect(ran).toEqual({ inline: false, text: false, fetched: false });
  expect(lab.complaints.length).toBeGreaterThan(0);
  lab.complaints.length = 0;
});

test("nothing leaves the page: no datagram, no connection, no name is looked up", async ({ lab }) => {
  const seen: string[] = [];
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const address = own.find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? "127.0.0.1";
  const datagrams = createSocket("udp4", (message) => seen.push(`datagram of ${message.length} bytes`));
  await new Promise<void>((resolve) => datagrams.bind(0, resolve));
  const connections = createServer((socket) => {
    seen.push("connection");
    socket.destroy();
  });
  await new Promise<void>((resolve) => connections.listen(0, resolve));
  const port = { udp: datagrams.address().port, tcp: (connections.address() as AddressInfo).port };
  try {
    const tried = await lab.page.evaluate(
      async ({ hosts, udp, tcp }) => {
        const words: string[] = [];
        for (const host of hosts)
          try {
            const peer = new RTCPeerConnection({
              iceServers: [
                { urls: `stun:${host}:${udp}` },
                { urls: `turn:${host}:${udp}?transport=udp`, username: "stolen", credential: "x" },
                { urls: `turn:${host}:${tcp}?transport=tcp`, username: "stolen", credential: "x" },
              ],
            });
            peer.createDataChannel("x");
            await peer.setLocalDescription(await peer.createOffer());
            // Until it has tried all of its servers.
            await new Promise<void>((resolve) => {
              const look = () => peer.iceGatheringState === "complete" && resolve();
              peer.addEventListener("icegatheringstatechange", look);
              look();
            });
            words.push(`candidates: ${(peer.localDescription?.sdp.match(/^a=candidate/gm) ?? []).length}`);
            peer.close();
          } catch (error) {
            words.push(String(error));
          }
        const address = `http://${hosts[0]}:${tcp}/`;
        const ended = (target: EventTarget, ...events: string[]) =>
          new Promise<void>((resolve) => {
            for (const event of events) target.addEventListener(event, () => resolve());
          });
        const waiting: Promise<void>[] = [];
        navigator.sendBeacon(address, "x");
        const image = new Image();
        waiting.push(ended(image, "load", "error"));
        image.src = address;
        for (const rel of ["preconnect", "prefetch", "dns-prefetch", "modulepreload"]) {
          const link = document.createElement("link");
          link.rel = rel;
          link.href = address;
          if (rel === "prefetch" || rel === "modulepreload") waiting.push(ended(link, "load", "error"));
          document.head.append(link);
        }
        for (const reach of [() => new WebSocket(address.replace("http", "ws")), () => new EventSource(address)])
          try {
            waiting.push(ended(reach(), "open", "error"));
          } catch {
            // Refused at once.
          }
        if ("WebTransport" in window)
          try {
            await new WebTransport(`https://${hosts[0]}:${udp}/`).ready;
          } catch {
            // Refused.
          }
        await Promise.all(waiting);
        return words;
      },
      { hosts: [address, "127.0.0.1"], ...port },
    );
    expect(tried).toHaveLength(2);
    // What comes after all of it is seen: the sockets were there to be reached.
    const late = createSocket("udp4");
    late.send("late", port.udp, address);
    connect(port.tcp, address).on("error", () => undefined);
    await expect.poll(() => [...seen].sort()).toEqual(["connection", "datagram of 4 bytes"]);
    late.close();
  } finally {
    datagrams.close();
    connections.close();
  }
  lab.complaints.length = 0;
});

test("nothing is downloaded and no chooser of files is opened for the page", async ({ lab, dataFolder }) => {
  await lab.app.evaluate(({ app, session }, folder) => {
    app.setPath("downloads", folder);
    const seen = { downloads: 0, states: [] as string[] };
    (globalThis as unknown as { seen: typeof seen }).seen = seen;
    session.defaultSession.on("will-download", (event, item) => {
      seen.downloads++;
      seen.states.push(event.defaultPrevented ? "refused" : item.getState());
    });
  }, dataFolder);
  const before = readdirSync(dataFolder).sort();
  let choosers = 0;
  lab.page.on("filechooser", () => {
    choosers++;
  });
  const picker = await lab.page.evaluate(async () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(["x"]));
    link.download = "stolen.txt";
    document.body.append(link);
    link.click();
    const input = document.createElement("input");
    input.type = "file";
    document.body.append(input);
    input.click();
    const show = (window as unknown as { showOpenFilePicker?: () => Promise<unknown> }).showOpenFilePicker;
    const outcome =
      show === undefined
        ? "none"
        : await show().then(
            () => "opened",
            (error: Error) => error.name,
          );
    return outcome;
  });
  const look = () =>
    lab.app.evaluate(() => (globalThis as unknown as { seen: { downloads: number; states: string[] } }).seen);
  await expect.poll(async () => (await look()).downloads).toBe(1);
  const seen = await look();
  expect(seen.states.filter((state) => state !== "refused")).toEqual([]);
  expect(picker).not.toBe("opened");
  expect(choosers).toBe(0);
  // Chromium makes a temporary file before it asks, and removes it when the answer is no.
  await expect.poll(() => readdirSync(dataFolder).sort()).toEqual(before);
  lab.complaints.length = 0;
});

test("the scheme serves the window's folder and nothing else", async ({ lab }) => {
  const statuses = await lab.appToAsk.evaluate(async ({ net }) => {
    const ask = async (path: string, method = "GET") =>
      (await net.fetch(`reclaim-lab://window/${path}`, { method })).status;
    return {
      own: await ask("index.html"),
      others: [
        await ask("..%2f..%2fpackage.json"),
        await ask("%2e%2e%2fmain%2findex.js"),
        await ask("nothing.js"),
        await ask("index.html%00.js"),
        await ask("index.html", "POST"),
      ],
    };
  });
  expect(statuses).toEqual({ own: 200, others: [403, 403, 404, 400, 405] });
});

test("every permission is denied", async ({ lab }) => {
  const states = await lab.page.evaluate(async () => {
    const names = ["geolocation", "notifications", "camera", "microphone", "clipboard-read"];
    const found: Record<string, string> = {};
    for (const name of names) found[name] = (await navigator.permissions.query({ name } as PermissionDescriptor)).state;
    return found;
  });
  for (const [name, state] of Object.entries(states)) expect(state, name).toBe("denied");
});

test("calls that are not the window's, or not valid, are answered with an error", async ({ lab }) => {
  const refused: [string, ...unknown[]][] = [
    ["host.close"],
    ["export.write", { experimentId: 1, format: "csv", path: "/tmp/stolen.csv" }],
    ["__proto__"],
    ["toString"],
    ["experiment.start", { workload: { kind: "file", token: "../../etc/passwd" } }],
    ["experiment.start", { workload: { kind: "preset", name: "commit-table", params: { size: -1 } } }],
    ["experiment.get", { id: "1; DROP TABLE run" }],
    ["history.list", { limit: 1e9 }],
    ["app.openLink", { url: "file:///etc/passwd" }],
  ];
  for (const [name, ...params] of refused) {
    const answer = await lab.answer(name, ...params);
    expect("error" in answer ? answer.error.message : "", `${name} ${JSON.stringify(params)}`).not.toBe("");
  }
  expect(await lab.call("history.list", {})).toMatchObject({ total: 0 });
});

test("a second start shows the first window instead of opening the history twice", async ({ lab, dataFolder }) => {
  expect(await startAgain(dataFolder)).toBe(0);
  expect(lab.windowCount()).toBe(1);
  expect(await lab.call("history.list", {})).toMatchObject({ total: 0 });
});

test("the window is sandboxed, isolated and without Node, with web security on and no experiments", async ({ lab }) => {
  const preferences = await lab.appToAsk.evaluate(({ BrowserWindow }) => {
    const contents = BrowserWindow.getAllWindows()[0]?.webContents as unknown as {
      getLastWebPreferences(): Record<string, unknown>;
    };
    return contents.getLastWebPreferences();
  });
  expect(preferences).toMatchObject({
    sandbox: true,
    contextIsolation: true,
    nodeIntegration: false,
    webviewTag: false,
  });
  expect(preferences.webSecurity).not.toBe(false);
  for (const name of ["allowRunningInsecureContent", "experimentalFeatures", "nodeIntegrationInWorker"])
    expect(preferences[name] ?? false, name).toBe(false);
  expect(preferences.enableBlinkFeatures ?? "").toBe("");
});

test("a webview is an element like any other", async ({ lab }) => {
  expect(await lab.page.evaluate(() => document.createElement("webview").constructor.name)).toMatch(
    /^HTML(Unknown)?Element$/,
  );
});

test("attaching a webview is refused, also where a window has them switched on", async ({ lab }) => {
  const outcome = await lab.appToAsk.evaluate(async ({ BrowserWindow, webContents }) => {
    const careless = new BrowserWindow({ show: false, webPreferences: { webviewTag: true, sandbox: true } });
    let asked = 0;
    let attached = 0;
    careless.webContents.on("will-attach-webview", () => {
      asked++;
    });
    careless.webContents.on("did-attach-webview", () => {
      attached++;
    });
    await careless.loadURL(
      "data:text/html,<webview src='data:text/html,inside' nodeintegration allowpopups></webview>",
    );
    while (asked === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    // What a webview makes is there once its page answers again.
    await careless.webContents.executeJavaScript("document.querySelector('webview').localName");
    const kinds = webContents.getAllWebContents().map((contents) => contents.getType());
    careless.destroy();
    return { asked, attached, webviews: kinds.filter((kind) => kind === "webview").length };
  });
  expect(outcome).toEqual({ asked: 1, attached: 0, webviews: 0 });
});

test("the window says which Electron it is", async ({ lab }) => {
  const running = await lab.appToAsk.evaluate(() => process.versions.electron);
  expect((await lab.call("app.info")).electron).toBe(running);
});

test("a page of another origin is given nothing, even with our preload", async ({ lab }) => {
  const outcome = await lab.appToAsk.evaluate(async ({ app, BrowserWindow }) => {
    const other = new BrowserWindow({
      show: false,
      webPreferences: {
        preload: `${app.getAppPath()}/dist/preload/preload.cjs`,
        sandbox: true,
        contextIsolation: true,
      },
    });
    await other.loadURL("data:text/html,<title>other</title>");
    const asked = other.webContents.executeJavaScript(
      "window.lab.call('history.list', {}).then((answer) => JSON.stringify(answer), (error) => 'refused: ' + error.message)",
    );
    const answer: unknown = await asked;
    other.destroy();
    return String(answer);
  });
  expect(outcome).toMatch(/^refused: /);
});

test("a link is opened by the system's browser only after the user has said so, and only https", async ({ lab }) => {
  await lab.app.evaluate(({ dialog, shell }) => {
    const seen = { asked: 0, opened: [] as string[], answer: 1 };
    (globalThis as unknown as { seen: typeof seen }).seen = seen;
    dialog.showMessageBox = (() => {
      seen.asked++;
      return Promise.resolve({ response: seen.answer, checkboxChecked: false });
    }) as typeof dialog.showMessageBox;
    shell.openExternal = (url) => {
      seen.opened.push(url);
      return Promise.resolve();
    };
  });
  const seen = () =>
    lab.app.evaluate(() => (globalThis as unknown as { seen: { asked: number; opened: string[] } }).seen);
  expect(await lab.call("app.openLink", { url: "https://lore.kernel.org/" })).toBe(false);
  expect(await seen()).toMatchObject({ asked: 1, opened: [] });
  for (const url of ["http://example.org/", "file:///etc/passwd", "javascript:alert(1)", "ms-settings:", "smb://a/b"])
    expect("error" in (await lab.answer("app.openLink", { url })), url).toBe(true);
  expect(await seen()).toMatchObject({ asked: 1, opened: [] });
  await lab.app.evaluate(() => {
    (globalThis as unknown as { seen: { answer: number } }).seen.answer = 0;
  });
  expect(await lab.call("app.openLink", { url: "https://lore.kernel.org/" })).toBe(true);
  expect(await seen()).toMatchObject({ asked: 2, opened: ["https://lore.kernel.org/"] });
});

test("whatever is sent as a call is answered in words, and nothing dies of it", async ({ lab }) => {
  const host = () => lab.call("history.list", {});
  const names = Object.entries(CALLS)
    .filter(([, { from }]) => from === "window")
    .map(([name]) => name)
    // These ask the person at the machine: tried where their dialogs are answered.
    .filter(
      (name) => !/^(file\.choose|rescue\.|history\.(save|restore|merge)|export\.|race\.save|clipboard\.)/.test(name),
    );
  expect(names.length).toBeGreaterThan(20);
  const faults = await lab.page.evaluate(async (calls) => {
    const cycle: Record<string, unknown> = { id: 1 };
    cycle.self = cycle;
    let deep: unknown = 1;
    for (let i = 0; i < 400; i++) deep = { params: [deep] };
    const own = JSON.parse('{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}, "id": 1}');
    const odd: unknown[] = [
      null,
      0,
      -1,
      1e300,
      Number.NaN,
      "x".repeat(1 << 20),
      [],
      [[[]]],
      deep,
      cycle,
      own,
      new Map([["id", 1]]),
      new Date(Number.NaN),
      /(a+)+$/,
      new Error("x"),
      new ArrayBuffer(1 << 22),
      new Float64Array(1000),
      12345678901234567890n,
      { id: 2n ** 70n },
      { id: "1" },
      { id: Number.MAX_SAFE_INTEGER },
      { ids: new Array(20_000).fill(1) },
      { runId: 1, maxPoints: 1e12, cells: 1e12, operations: 1e308 },
      { search: "%".repeat(500), limit: 1, tags: ["'); DROP TABLE run; --"] },
      { workload: own, params: own, values: own },
      { scenario: "../../../etc/passwd", without: "each", cpus: new Array(1e5).fill(0), format: "txt" },
      { url: `https://user:pass@example.org\u202e/gro.elpmaxe${"/".repeat(5000)}` },
    ];
    const found: string[] = [];
    const ask = (window as unknown as { lab: { call(...params: unknown[]): Promise<Record<string, unknown>> } }).lab
      .call;
    // What the bridge between the worlds does not take does not leave the page.
    const asking = async (...params: unknown[]) => {
      try {
        return await ask(...params);
      } catch (error) {
        return /contextBridge|could not be cloned/.test(String(error)) ? { error: {} } : String(error);
      }
    };
    for (const name of calls)
      for (const [at, params] of odd.entries()) {
        const late = new Promise<string>((resolve) => setTimeout(() => resolve("no answer"), 20_000));
        const answer = await Promise.race([asking(name, params), late]);
        if (typeof answer === "string") found.push(`${name} ${at}: ${answer}`);
        else if ((answer.error as { name?: string } | undefined)?.name === "InternalError")
          found.push(`${name} ${at}: ${JSON.stringify(answer.error)}`);
      }
    for (const name of [null, {}, [], 7, "x".repeat(1e6), "constructor", "hasOwnProperty", { toString: null }])
      if (!Object.hasOwn(Object(await asking(name)), "error"))
        found.push(`the name ${String(JSON.stringify(name)).slice(0, 60)}`);
    return [...found, ...("polluted" in {} ? ["a prototype is changed"] : [])];
  }, names);
  expect(faults).toEqual([]);
  expect(await host()).toMatchObject({ total: expect.any(Number) });
  expect(await lab.app.evaluate(() => "polluted" in {})).toBe(false);
});

test("what is not a regular file, or not a trace, is refused in words, however the program is given them", async ({
  lab,
  dataFolder,
}) => {
  const at = (name: string) => join(dataFolder, name);
  execFileSync("mkfifo", [at("pipe.ops.jsonl")]);
  symlinkSync(at("circle.jsonl"), at("circle.jsonl"));
  symlinkSync("/dev/zero", at("zero.strace"));
  writeFileSync(at("deep.ops.jsonl"), `{"format":"reclaim-lab-ops","version":1}\n${"[".repeat(60_000)}\n`);
  const refused: [string, RegExp][] = [
    [at("no\u001b[2Jsuch"), /there is no such file/i],
    [at("pipe.ops.jsonl"), /not a regular file/i],
    [at("circle.jsonl"), /form a loop/i],
    [at("zero.strace"), /not a regular file/i],
    [at("x".repeat(4000)), /cannot be opened/i],
  ];
  for (const [path, words] of refused) {
    expect(await startAgain(dataFolder, [path]), path).toBe(0);
    await expect(lab.page.getByText(words).first(), path.slice(0, 200)).toBeVisible();
  }
  expect(await startAgain(dataFolder, ["--inspect=0", "--remote-debugging-port=0", at("deep.ops.jsonl")])).toBe(0);
  await expect(lab.page.getByText(/has no operation/i).first()).toBeVisible();
  expect(await lab.call("history.list", {})).toMatchObject({ total: 0 });
});
