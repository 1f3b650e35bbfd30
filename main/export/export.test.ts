import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createCanvas, loadImage } from "@napi-rs/canvas";
import { DOMParser } from "@xmldom/xmldom";
import { parse } from "csv-parse/sync";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PALETTES } from "../../chart/palette.ts";
import { policyColor } from "../../chart/policy-style.ts";
import { NotFoundError } from "../../db/errors.ts";
import { openStore, type Store } from "../../db/store.ts";
import { newRun, rows, SPEC, said, summary, testFolder } from "../../db/testing.ts";
import { SAMPLE_COLUMNS } from "../../engine/experiment/types.ts";
import { CSV_COLUMNS } from "./csv.ts";
import { commandFor, resultWords } from "./describe.ts";
import { chartRuns, experimentChart } from "./experiment-chart.ts";
import {
  EXPORT_FORMATS,
  type ExportFormat,
  type ExportOptions,
  exportName,
  exportParts,
  exportToFile,
} from "./export.ts";
import { ExportError, writeWhole } from "./write-file.ts";

const COUNT = 6001;
const TITLE = 'The "50 GB" <experiment> & more, with Größe';

let folder: ReturnType<typeof testFolder>;
let store: Store;
let id: number;

beforeEach(() => {
  folder = testFolder();
  store = openStore(folder.file());
  id = experiment();
});

afterEach(() => {
  store.close();
  folder.remove();
});

/** Both modes; VmPTE rises to 240 and 102640 kB; swap is unknown. */
function experiment(more: Partial<typeof SPEC> = {}): number {
  const made = store.createExperiment({ ...SPEC, title: TITLE, notes: "<script>alert(1)</script>", ...more });
  for (const [mode, kb] of [
    ["sync", 240],
    ["none", 102_640],
  ] as const) {
    const run = store.startRun(made.id, newRun(mode));
    store.appendSamples(
      run.id,
      rows(0, COUNT, {
        vmpte_kb: (seq) => Math.round((kb * seq) / (COUNT - 1)),
        time_ns: (seq) => seq * 2 ** 40,
        swap_kb: () => Number.NaN,
      }),
    );
    store.finishRun(run.id, { status: "done", summary: summary(kb) });
  }
  return made.id;
}

function exported(format: ExportFormat, more: Omit<ExportOptions, "format"> = {}): Buffer {
  const path = folder.file(`out.${format}`);
  const bytes = exportToFile(store, id, { format, ...more }, path);
  const content = readFileSync(path);
  expect(content.length).toBe(bytes);
  return content;
}

describe("CSV", () => {
  test("holds every sample of every run in full, as another program reads it", () => {
    const text = exported("csv").toString("utf8");
    expect(text.replaceAll("\r\n", "").includes("\n")).toBe(false);
    const records: Record<string, string>[] = parse(text, { columns: true, record_delimiter: "\r\n" });
    expect(records).toHaveLength(2 * COUNT);
    expect(Object.keys(records[0])).toEqual(CSV_COLUMNS);
    const { runs } = store.getExperiment(id);
    for (const [nth, run] of runs.entries()) {
      const { columns } = store.samples(run.id);
      for (const at of [0, 1, COUNT - 1]) {
        const record = records[nth * COUNT + at];
        expect(record).toMatchObject({ experiment_id: String(id), run_id: String(run.id), mode: run.mode });
        for (const { name } of SAMPLE_COLUMNS)
          expect(record[name], name).toBe(name === "swap_kb" ? "" : String(columns[name]?.[at]));
      }
    }
    expect(records[0].parameters).toBe("size=53687091200 chunk=2097152");
  });

  test("is taken by SQLite's own shell", () => {
    exported("csv");
    const out = execFileSync("sqlite3", [
      ":memory:",
      "-cmd",
      `.import --csv ${folder.file("out.csv")} s`,
      "SELECT count(*), max(vmpte_kb + 0), count(DISTINCT run_id), max(time_ns + 0) FROM s",
    ]).toString();
    expect(out.trim()).toBe(`${2 * COUNT}|102640|2|${(COUNT - 1) * 2 ** 40}`);
  });

  test("is the same byte for byte, of the same run and, identity aside, of the same samples", () => {
    const first = exported("csv");
    expect(exported("csv").equals(first)).toBe(true);
    id = experiment();
    const withoutIdentity = (content: Buffer) => content.toString().replace(/^\d+,\d+,/gm, "");
    expect(withoutIdentity(exported("csv"))).toBe(withoutIdentity(first));
  });

  test("quotes what must be, and turns no name into a formula", () => {
    id = experiment({ workload: '=1+1,"x"\ny', workloadKind: "file" });
    const records: Record<string, string>[] = parse(exported("csv"), { columns: true });
    expect(records[0].workload).toBe('\'=1+1,"x"\ufffdy');
  });
});

test("JSON has all that is stored, unknown values as null", () => {
  const document = JSON.parse(exported("json").toString("utf8"));
  const { runs, ...about } = store.getExperiment(id);
  expect(document).toMatchObject({ format: "reclaim-lab/experiment", version: 1, experiment: about });
  expect(document.runs.map((run: { id: number }) => run.id)).toEqual(runs.map((run) => run.id));
  expect(document.runs[1]).toMatchObject(runs[1]);
  expect(Object.keys(document.runs[0].samples)).toEqual(SAMPLE_COLUMNS.map(({ name }) => name));
  expect(document.runs[1].samples.vmpte_kb).toEqual([...(store.samples(runs[1].id).columns.vmpte_kb ?? [])]);
  expect(document.runs[0].samples.swap_kb).toEqual(new Array(COUNT).fill(null));
});

/** How many pixels are near a colour. */
async function pixels(image: Buffer, color: string): Promise<number> {
  const picture = await loadImage(image);
  const canvas = createCanvas(picture.width, picture.height);
  const context = canvas.getContext("2d");
  context.drawImage(picture, 0, 0);
  const { data } = context.getImageData(0, 0, picture.width, picture.height);
  const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
  let count = 0;
  for (let i = 0; i < data.length; i += 4)
    if (Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b) < 12) count++;
  return count;
}

describe.each(["light", "dark"] as const)("pictures, %s", (theme) => {
  test("PNG has twice the pixels, both lines and the ground", async () => {
    const png = exported("png", { theme });
    const { width, height } = await loadImage(png);
    expect([width, height]).toEqual([2400, 1350]);
    const { surface } = PALETTES[theme];
    expect(await pixels(png, policyColor("sync", theme))).toBeGreaterThan(2000);
    expect(await pixels(png, policyColor("none", theme))).toBeGreaterThan(2000);
    expect(await pixels(png, surface)).toBeGreaterThan(2_000_000);
    expect(exported("png", { theme }).equals(png)).toBe(true);
  });

  test("SVG is XML with a title, letters as outlines, and shows both lines", async () => {
    const svg = exported("svg", { theme, log: true });
    const problems: string[] = [];
    const collect = (message: string) => problems.push(message);
    const parser = new DOMParser({ errorHandler: { warning: collect, error: collect, fatalError: collect } });
    const document = parser.parseFromString(svg.toString("utf8"), "image/svg+xml");
    expect(problems).toEqual([]);
    expect(document.documentElement.getAttribute("viewBox")).toBe("0 0 1200 675");
    expect(document.getElementsByTagName("title")[0].textContent).toBe(TITLE);
    expect(document.getElementsByTagName("desc")[0].textContent).toContain("99.8 % less");
    expect(document.getElementsByTagName("text")).toHaveLength(0);
    expect(await pixels(svg, policyColor("sync", theme))).toBeGreaterThan(500);
    expect(await pixels(svg, policyColor("none", theme))).toBeGreaterThan(500);
    expect(exported("svg", { theme, log: true }).equals(svg)).toBe(true);
  });
});

/** ImageMagick, another program that knows nothing of us; not every machine has it, nor every installation the part that reads SVG. */
const identifies = ((): boolean => {
  const input = '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>';
  return spawnSync("identify", ["svg:-"], { input }).status === 0;
})();
if (!identifies) console.warn("skipped: no ImageMagick that reads SVG (apt-get install imagemagick librsvg2-bin)");

test.skipIf(!identifies)("PNG and SVG are taken by ImageMagick, at their sizes and in their colours", () => {
  exported("png");
  exported("svg");
  const ask = (format: string, file: string): string =>
    execFileSync("identify", ["-format", format, folder.file(file)]).toString();
  expect(ask("%m %w %h", "out.png")).toBe("PNG 2400 1350");
  expect(ask("%m %w %h", "out.svg")).toBe("SVG 1200 675");
  const lines = [policyColor("sync", "light"), policyColor("none", "light")].map((hex) => hex.slice(1).toUpperCase());
  for (const file of ["out.png", "out.svg"]) {
    const drawn = execFileSync(
      "montage",
      [folder.file(file), "-tile", "1x1", "-geometry", "+0+0", "-depth", "8", "rgb:-"],
      {
        maxBuffer: 2 ** 28,
      },
    ).toString("hex");
    for (const line of lines) expect(drawn.split(line.toLowerCase()).length, `${line} in ${file}`).toBeGreaterThan(500);
  }
});

test("a picture is the view: metric, axis, part of it and runs change it, and it says which", () => {
  const [sync] = store.getExperiment(id).runs;
  const views: Record<string, ExportOptions["view"]> = {
    "VmPTE over operations": {},
    "RSS over simulated time": { metric: "rss", axis: "time" },
    "VmPTE over operations, 1,000 to 2,000 of 600,001": { range: { min: 1000, max: 2000 } },
    "VmPTE over operations, 5,000 to 600,001 of 600,001": { range: { min: 5000, max: 9e15 } },
    "VmPTE over operations; 1 of 2 runs": { runs: [sync?.id ?? 0] },
  };
  const pictures = new Set<string>();
  for (const [words, view] of Object.entries(views)) {
    const svg = exported("svg", view ? { view } : {}).toString("utf8");
    expect(/<desc[^>]*>([^<]*)</.exec(svg)?.[1]).toMatch(new RegExp(`${words}$`));
    pictures.add(svg);
    pictures.add(exported("png", view ? { view } : {}).toString("base64"));
  }
  expect(pictures.size).toBe(2 * Object.keys(views).length);
  const report = exported("html", { view: { metric: "rss", axis: "time", range: { min: 2 ** 40, max: 2 ** 41 } } });
  expect(report.toString("utf8")).toMatch(
    /<figcaption>RSS over simulated time, [^<]* of [^<]*<[\s\S]*<figcaption>VmPTE over/,
  );
  expect(said(() => exported("svg", { view: { range: { min: 700_000, max: 800_000 } } }))).toMatch(/nothing to draw/);
  expect(said(() => exported("svg", { view: { runs: [999] } }))).toMatch(/no run 999/);
});

test("big releases are marked where all of the samples have them, however few are drawn", () => {
  const made = store.createExperiment({ ...SPEC, title: "given back once" });
  const run = store.startRun(made.id, newRun());
  const rss = (seq: number): number => (seq === 5003 ? 1000 : 10);
  store.appendSamples(run.id, rows(0, 10_000, { operations: (seq) => seq, vmpte_kb: (seq) => 40 + seq, rss_kb: rss }));
  store.finishRun(run.id, { status: "done", summary: summary(10_039) });
  const { series } = chartRuns(store.getExperiment(made.id), store.samples, {});
  expect(series[0]?.samples.count).toBeLessThan(10_000);
  expect(series[0]?.releases).toEqual([{ x: 5004, kb: 990 }]);
});

test("the result stands in a picture in full", () => {
  const many = store.createExperiment({ ...SPEC, title: "six policies" });
  for (const mode of ["none", "sync", "eager", "refcount", "async", "demand"] as const) {
    const run = store.startRun(many.id, { ...newRun(), mode });
    store.appendSamples(run.id, rows(0, 5));
    store.finishRun(run.id, { status: "done", summary: summary(mode === "none" ? 100_000 : 2000) });
  }
  const experiment = store.getExperiment(many.id);
  const config = experimentChart(experiment, chartRuns(experiment, store.samples, {}), {
    theme: "light",
    scale: "log",
    view: {},
  });
  const lines = [config.options?.plugins?.subtitle?.text ?? []].flat();
  const result = resultWords(experiment);
  expect(result.length).toBeGreaterThan(150);
  expect(lines.join(" ")).toContain(result);
});

test("pictures have letters on a machine without fonts", () => {
  const script = `
    const { openStore } = await import(${JSON.stringify(new URL("../../db/store.ts", import.meta.url).href)});
    const { exportToFile } = await import(${JSON.stringify(new URL("./export.ts", import.meta.url).href)});
    const { GlobalFonts } = await import("@napi-rs/canvas");
    const store = openStore(${JSON.stringify(folder.file())});
    exportToFile(store, ${id}, { format: "svg" }, ${JSON.stringify(folder.file("bare.svg"))});
    store.close();
    console.log(GlobalFonts.families.map((font) => font.family).join());`;
  writeFileSync(folder.file("fonts.conf"), "<?xml version='1.0'?><fontconfig></fontconfig>");
  const env = { ...process.env, FONTCONFIG_FILE: folder.file("fonts.conf"), NODE_OPTIONS: "" };
  const families = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
    env,
    cwd: new URL(".", import.meta.url),
  }).toString();
  expect(families).toContain("Reclaim Lab Sans");
  expect(readFileSync(folder.file("bare.svg")).equals(exported("svg"))).toBe(true);
});

describe("the HTML report", () => {
  test("is whole, well-formed, and asks no network for anything", () => {
    const page = exported("html").toString("utf8");
    expect(page).not.toMatch(/<script|<link|<img|@import|@font-face/i);
    const addresses = page.match(/https?:\/\/[^"'\s<)]+/g) ?? [];
    expect(addresses.filter((address) => !address.startsWith("http://www.w3.org/"))).toEqual([]);
    expect(page).toContain("default-src 'none'");
    expect(page).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    const ids = [...page.matchAll(/\bid="([^"]+)"/g)].map(([, name]) => name);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, used] of page.matchAll(/url\(#([^)]+)\)/g)) expect(ids).toContain(used);
    expect(exported("html").toString("utf8")).toBe(page);
    for (const tag of ["section", "figure", "table", "tr", "td", "th", "span", "p", "svg"])
      expect(page.split(`</${tag}>`).length, tag).toBe(page.match(new RegExp(`<${tag}[\\s>]`, "g"))!.length + 1);
  });

  test("says the result, the numbers and how to make them again", () => {
    const page = exported("html")
      .toString("utf8")
      .replace(/<svg.*?<\/svg>/gs, "");
    const words = page.replace(/<[^>]+>/g, " ").replace(/\s+/g, " ");
    expect(words).toContain("99.8 % less");
    expect(words).toContain("VmPTE at the end 100.2 MiB 240 KiB 100 MiB less (99.8 %), better");
    expect(words).toContain("npm run -s lab -- run commit-table --set size=50G --set chunk=2M --seed 1");
    expect(page.indexOf('class="policy policy-none">no reclaim')).toBeGreaterThan(0);
    expect(page.indexOf('class="policy policy-none">no reclaim')).toBeLessThan(
      page.indexOf('class="policy policy-sync">sync reclaim'),
    );
  });
});

test("the report of several policies shows what each saves against what it costs, as the window does", () => {
  const cost = { caller_ns: 0, background_ns: 0, work_ns: 1e9, longest_call_ns: 0, rebuilt_tables: 0, tlb_flushes: 0 };
  id = store.createExperiment({ ...SPEC, title: "policies" }).id;
  for (const [at, mode] of (["none", "sync", "eager"] as const).entries()) {
    const run = store.startRun(id, { ...newRun("none"), mode });
    store.appendSamples(run.id, rows(0, 5));
    store.finishRun(run.id, {
      status: "done",
      summary: { ...summary(1000 - 100 * at), cost: { ...cost, caller_ns: 5e6 * at } },
    });
  }
  const figures = [
    ...exported("html")
      .toString("utf8")
      .matchAll(/<figure>(.*?)<figcaption>(.*?)<\/figcaption>/gs),
  ];
  const [drawn = ""] = figures.filter(([, , caption]) => caption === "Savings against cost").map(([, svg]) => svg);
  // Letters are drawn: each point is told by its policy's colour.
  for (const mode of ["none", "sync", "eager"] as const)
    expect(drawn.includes(`stroke="${policyColor(mode, "light").toUpperCase()}"`), mode).toBe(true);
  const two = store.createExperiment({ ...SPEC, title: "two" }).id;
  id = two;
  for (const mode of ["none", "sync"] as const) {
    const run = store.startRun(id, newRun(mode));
    store.finishRun(run.id, { status: "done", summary: { ...summary(100), cost } });
  }
  expect(exported("html").toString("utf8")).not.toContain("Savings against cost");
});

test("a sweep is exported as a chart against its parameter, a row a value, and the command that runs it again", () => {
  const params = { ...SPEC.params, rounds: 1, order: "sequential" };
  const detail = { parameter: "chunk", values: [4096, 2_097_152] };
  const made = store.createExperiment({ ...SPEC, kind: "sweep", title: "chunk", params: { size: 2 ** 30 }, detail });
  id = made.id;
  for (const chunk of detail.values)
    for (const mode of ["sync", "none"] as const) {
      const run = store.startRun(id, newRun(mode, { params: { ...params, chunk }, label: `chunk ${chunk}` }));
      store.appendSamples(run.id, rows(0, 5));
      store.finishRun(run.id, { status: "done", summary: summary(mode === "sync" && chunk > 4096 ? 48 : 2092) });
    }
  const words = exported("html")
    .toString("utf8")
    .replace(/<svg.*?<\/svg>/gs, "")
    .replace(/<[^>]+>/g, " ")
    .replace(/\s+/g, " ");
  expect(words).toContain("Most is saved at chunk 2M: 97.5 % less");
  expect(words).toContain("4K 2.05 MiB 2.05 MiB no difference 2M 2.05 MiB 52 KiB 97.5 % less");
  expect(words).toContain("npm run -s lab -- sweep commit-table --param chunk --values 4K,2M --set size=1G --seed 1");
  const records: Record<string, string>[] = parse(exported("csv"), { columns: true });
  expect(new Set(records.map((record) => record.label))).toEqual(new Set(["chunk 4096", "chunk 2097152"]));
  expect(exported("svg").toString("utf8")).toContain("Most is saved at chunk 2M");
});

test("an experiment without samples can be exported", () => {
  id = store.createExperiment({ ...SPEC, title: "nothing yet" }).id;
  store.finishRun(store.startRun(id, newRun()).id, { status: "failed", reason: "worker died" });
  const ofBlame: readonly string[] = ["folded", "speedscope"];
  for (const format of EXPORT_FORMATS)
    if (ofBlame.includes(format)) expect(() => exported(format)).toThrow("There is no blame to write");
    else expect(exported(format).length, format).toBeGreaterThan(50);
});

test("the command to run it again is one that a shell takes", () => {
  const odd = { ...store.getExperiment(id), workload: "my trace's.jsonl", workloadKind: "file" as const, params: {} };
  const words = execFileSync("sh", ["-c", commandFor(odd).replace("npm run -s lab --", "printf '%s\\n'")]).toString();
  expect(words.split("\n").slice(0, 4)).toEqual(["run", "my trace's.jsonl", "--seed", "1"]);
});

test("a trace's command names its process and what was set, not what is found in it", () => {
  const params = { pid: 2781, program: "sparse", allocators: "jemalloc", scan_interval: 100, what_if: "coalesce=200" };
  const about = { ...store.getExperiment(id), workload: "events.txt.gz", workloadKind: "file" as const, params };
  expect(commandFor(about)).toBe(
    "npm run -s lab -- run events.txt.gz --pid 2781 --what-if coalesce=200 --set 'scan_interval=100 ms' --seed 1",
  );
  expect(commandFor({ ...about, params: { processes: 21, program: "server", allocators: "" } })).toBe(
    "npm run -s lab -- run events.txt.gz --service --seed 1",
  );
});

test("a trial's command has its settings", () => {
  const settings = [
    { name: "as it is", env: {} },
    { name: "one arena", env: { MALLOC_ARENA_MAX: "1" } },
  ];
  const detail = { parameter: "setting", values: ["as it is", "one arena"], settings };
  const params = { command: "sleep 0.4", repeat: 2 };
  const trial = { ...store.getExperiment(id), workload: "sleep", workloadKind: "program" as const, params, detail };
  expect(commandFor(trial)).toBe(
    "npm run -s lab -- try --setting 'one arena: MALLOC_ARENA_MAX=1' --repeat 2 -- sleep 0.4",
  );
  const odd = { ...trial, params: { command: "sleep 1; rm -rf $(pwd) <x", repeat: 2 } };
  expect(commandFor(odd)).toMatch(/ -- sleep '1;' rm -rf '\$\(pwd\)' '<x'$/);
});

test("names to offer are names everywhere", () => {
  expect(exportName({ id: 7, title: "Café / 50 GB: sync*?" }, "csv")).toBe("cafe-50gb-sync-7.csv");
  expect(exportName({ id: 1, title: "python3 (3.6 s)" }, "svg")).toBe("python3-3.6s-1.svg");
  expect(exportName({ id: 1, title: "a call of 12.5 µs" }, "png")).toBe("a-call-of-12.5us-1.png");
  expect(exportName({ id: 2, title: "../../etc/20,000 rounds, v1. Of 2 MiB." }, "png")).toBe(
    "etc-20000-rounds-v1-of-2mib-2.png",
  );
  expect(exportName({ id: 8, title: "日本" }, "png")).toBe("experiment-8.png");
});

describe("an export is written whole or not at all", () => {
  const fails = function* (): Generator<string> {
    yield "half";
    throw new Error("worker gone");
  };

  test("a failure leaves the old file and no other", () => {
    mkdirSync(folder.file("out"));
    const path = join(folder.path, "out", "x.csv");
    writeFileSync(path, "old");
    expect(() => writeWhole(path, fails())).toThrow("worker gone");
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(readdirSync(join(folder.path, "out"))).toEqual(["x.csv"]);
    expect(() => exportToFile(store, 999, { format: "csv" }, path)).toThrow(NotFoundError);
    expect(readFileSync(path, "utf8")).toBe("old");
  });

  test("replaces a file, keeps its rights, follows a link", () => {
    writeFileSync(folder.file("x"), "old");
    chmodSync(folder.file("x"), 0o640);
    symlinkSync(folder.file("x"), folder.file("link"));
    expect(writeWhole(folder.file("link"), ["new ", Buffer.from("bytes")])).toBe(9);
    expect(readFileSync(folder.file("x"), "utf8")).toBe("new bytes");
    expect(statSync(folder.file("x")).mode & 0o777).toBe(0o640);
  });

  test("what cannot be written is named", () => {
    expect(() => writeWhole(folder.path, ["x"])).toThrow(ExportError);
    expect(() => writeWhole(join(folder.path, "no", "x"), ["x"])).toThrow(/not written/);
    expect(existsSync(join(folder.path, "no"))).toBe(false);
    expect(() => writeWhole(join(folder.path, "n".repeat(300)), ["x"])).toThrow(ExportError);
    try {
      writeWhole(join(folder.path, "no", "x"), ["x"]);
    } catch (error) {
      expect(error).toMatchObject({
        where: join(folder.path, "no", "x"),
        why: expect.any(String),
        todo: expect.any(String),
      });
    }
  });

  test.runIf(existsSync("/dev/full"))("a full disk is named", () => {
    expect(said(() => writeWhole("/dev/full", ["x"]))).toBe(
      "/dev/full: The file was not written: no space is left on the device. Free some space or choose another place",
    );
  });

  test("killed at any moment, there is the old file or the new one", async () => {
    const path = folder.file("killed.csv");
    writeFileSync(path, "old");
    const whole = [...exportParts(store, id, { format: "csv" })].join("");
    const script = `
      const { openStore } = await import(${JSON.stringify(new URL("../../db/store.ts", import.meta.url).href)});
      const { exportToFile } = await import(${JSON.stringify(new URL("./export.ts", import.meta.url).href)});
      const store = openStore(${JSON.stringify(folder.file())});
      console.log("go");
      for (;;) exportToFile(store, ${id}, { format: "csv" }, ${JSON.stringify(path)});`;
    for (const wait of [5, 40, 90, 200]) {
      const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
        stdio: ["ignore", "pipe", "inherit"],
        env: { ...process.env, NODE_OPTIONS: "" },
      });
      await once(child.stdout, "data");
      await sleep(wait);
      child.kill("SIGKILL");
      await once(child, "close");
      expect(["old", whole]).toContain(readFileSync(path, "utf8"));
    }
  });

  test("the history itself is not replaced by an export of it", () => {
    symlinkSync(folder.file(), folder.file("link"));
    for (const path of [folder.file(), folder.file("link"), `${folder.file()}-wal`])
      expect(said(() => exportToFile(store, id, { format: "csv" }, path))).toMatch(/the history itself/);
    expect(store.check().ok).toBe(true);
  });

  test("a device is written as it is, not replaced", () => {
    expect(writeWhole("/dev/null", ["x"])).toBe(1);
    expect(statSync("/dev/null").isCharacterDevice()).toBe(true);
  });

  test("a pipe that nobody reads, a link to nothing and a circle of links are named, not waited for or replaced", () => {
    const at = (name: string) => folder.file(name);
    execFileSync("mkfifo", [at("pipe")]);
    symlinkSync(at("nowhere"), at("dangling"));
    symlinkSync(at("circle"), at("circle"));
    expect(said(() => exportToFile(store, id, { format: "csv" }, at("pipe")))).toMatch(/nothing reads from this pipe/);
    expect(said(() => exportToFile(store, id, { format: "csv" }, at("dangling")))).toMatch(
      /a link to .*nowhere, which is/,
    );
    expect(said(() => exportToFile(store, id, { format: "csv" }, at("circle")))).toMatch(/form a loop/);
    expect(lstatSync(at("pipe")).isFIFO()).toBe(true);
    expect(lstatSync(at("dangling")).isSymbolicLink()).toBe(true);
  });

  test("of many samples is made in parts, each of few", () => {
    const { id: long } = store.createExperiment(SPEC);
    const run = store.startRun(long, newRun());
    store.appendSamples(run.id, rows(0, 120_000));
    store.finishRun(run.id, { status: "done" });
    for (const format of ["csv", "json"] as const) {
      let parts = 0;
      let longest = 0;
      for (const part of exportParts(store, long, { format })) {
        parts++;
        longest = Math.max(longest, part.length);
      }
      expect(parts).toBeGreaterThan(24);
      expect(longest).toBeLessThan(4_000_000);
      if (format === "json") expect(longest).toBeLessThan(600_000);
    }
  });

  test("holds every sample, also where many are missing in between", () => {
    const { id: torn } = store.createExperiment(SPEC);
    const run = store.startRun(torn, newRun());
    for (const from of [3, 70_000, 9_000_000_000]) store.appendSamples(run.id, rows(from, 5));
    store.finishRun(run.id, { status: "done" });
    const expected = [3, 70_000, 9_000_000_000].flatMap((from) => [0, 1, 2, 3, 4].map((i) => from + i));
    const text = (format: "csv" | "json") => [...exportParts(store, torn, { format })].join("");
    const seq = CSV_COLUMNS.indexOf("seq");
    const [, ...records]: string[][] = parse(text("csv"));
    expect(records.map((record) => Number(record[seq]))).toEqual(expected);
    expect(JSON.parse(text("json")).runs[0].samples.seq).toEqual(expected);
  });

  test("comes in parts, so that it can go to a pipe", () => {
    const parts = [...exportParts(store, id, { format: "csv" })].join("");
    expect(Buffer.from(parts).equals(exported("csv"))).toBe(true);
  });
});
