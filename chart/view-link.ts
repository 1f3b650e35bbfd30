/** A view of an experiment as text that can be passed on: a link for the window, options for the command line. */
import { METRICS, metricById } from "../engine/experiment/figures.ts";
import { isPolicyId } from "../engine/experiment/policies.ts";
import type { ChartView } from "./view.ts";

const VIEW_LINK = "reclaim-lab://view/";

export interface LinkedView {
  /** Of the experiment: the same wherever its history is copied to. */
  readonly uid: string;
  readonly view: ChartView;
  readonly log: boolean;
}

export function viewLink({ uid, view, log }: LinkedView): string {
  const query = new URLSearchParams();
  const { metric, axis, range, figure, baseline } = view;
  if (metric) query.set("metric", metric);
  if (axis) query.set("axis", axis);
  if (log) query.set("log", "1");
  if (range) {
    query.set("from", String(range.min));
    query.set("to", String(range.max));
  }
  if (figure) query.set("figure", figure);
  if (baseline) query.set("baseline", baseline);
  return `${VIEW_LINK}${encodeURIComponent(uid)}?${query}`;
}

/** Null where it is none. What it says that is not known here is left out. */
export function parseViewLink(text: string): LinkedView | null {
  const given = text.trim();
  if (!given.startsWith(VIEW_LINK)) return null;
  const [path = "", search = ""] = given.slice(VIEW_LINK.length).split("?", 2);
  if (!/^[\w.-]{1,80}$/.test(path)) return null;
  const query = new URLSearchParams(search);
  const axis = query.get("axis");
  const [min, max] = [query.get("from"), query.get("to")].map((each) => (each === null ? Number.NaN : Number(each)));
  const baseline = query.get("baseline") ?? "";
  return {
    uid: path,
    log: query.get("log") === "1",
    view: {
      metric: (metricById(query.get("metric") ?? "") ?? METRICS[0]).id,
      axis: axis === "operations" || axis === "time" ? axis : undefined,
      range: min < max ? { min, max } : undefined,
      figure: query.get("figure") ?? undefined,
      baseline: isPolicyId(baseline) ? baseline : undefined,
    },
  };
}

/** The options of `export` that draw the same picture. */
export function viewOptions(view: ChartView, log: boolean): string {
  const { metric, axis, range, runs, figure, baseline } = view;
  const place = (value: number) => (axis === "time" ? `${Math.round(value)}ns` : String(Math.round(value)));
  return [
    metric ? `--metric ${metric}` : "",
    axis ? `--axis ${axis}` : "",
    range ? `--from ${place(range.min)} --to ${place(range.max)}` : "",
    ...(runs ?? []).map((id) => `--run ${id}`),
    figure ? `--figure ${figure}` : "",
    baseline ? `--baseline ${baseline}` : "",
    log ? "--log" : "",
  ]
    .filter(Boolean)
    .join(" ");
}
