// Judges what players report against the faults there were.
import type { Fault } from './faults';
import type { WatchReport } from './load';

/** Media is back so soon after the end of a fault. */
export const RESUME_MS = 5000;
/** A silence may have begun so long before the fault that it is put down to: media goes out in bursts. */
const EARLY_MS = 1500;

/** What all of it comes to. */
export interface Verdict {
  /** Silences that faults explain, and how long after the end of the last of these faults media was back. */
  readonly resumedMs: readonly number[];
  /** What must not be. */
  readonly problems: readonly string[];
}

/** How players and media come. */
export interface Feed {
  /** Problems are told in seconds since then. */
  readonly startMs: number;
  /** Time in which all players of a generation come. */
  readonly comingMs: number;
  /** The edge at which the streams are published; what happens to it concerns all. Undefined: at the origins. */
  readonly edge?: number | undefined;
}

type Span = Pick<Fault, 'fromMs' | 'toMs'>;

/**
 * Whether the faults explain a silence: one was there when it began, and media was back within five seconds of its
 * end, or of the end of another that came before that. Returns the end of the last such fault.
 */
function explain(fromMs: number, toMs: number, faults: readonly Span[]): number | undefined {
  let limitMs = fromMs + EARLY_MS;
  let endMs: number | undefined;
  for (const fault of faults) {
    const isOver = fault.toMs + RESUME_MS < fromMs;
    if (isOver || fault.fromMs > limitMs || fault.fromMs > toMs) continue;
    limitMs = Math.max(limitMs, fault.toMs + RESUME_MS);
    endMs = fault.toMs;
  }
  return endMs !== undefined && toMs <= limitMs ? endMs : undefined;
}

function judgeReport(
  edge: number,
  report: WatchReport,
  faults: readonly Fault[],
  feed: Feed,
): Verdict {
  const name = `edge${edge + 1}`;
  const concerned: Span[] = faults.filter(
    (fault) => fault.edge === undefined || fault.edge === edge || fault.edge === feed.edge,
  );
  // Who comes waits as after a fault.
  const coming = { fromMs: report.fromMs, toMs: report.fromMs + feed.comingMs };
  const spans = [coming, ...concerned].sort((one, other) => one.fromMs - other.fromMs);
  const resumedMs: number[] = [];
  const late: string[] = [];
  for (const [stream, player, fromMs, endMs] of report.gaps) {
    const toMs = endMs ?? report.toMs;
    const after = explain(fromMs, toMs, spans);
    if (after !== undefined) {
      resumedMs.push(Math.max(0, toMs - after));
      continue;
    }
    const end = endMs === null ? 'for ever' : `for ${Math.round(toMs - fromMs)} ms`;
    const since = ((fromMs - feed.startMs) / 1000).toFixed(1);
    late.push(`${name}, player ${player} of stream ${stream}: no media from ${since} s on, ${end}`);
  }
  const killed = faults.filter((fault) => fault.kind === 'kill-edge' && fault.edge === edge);
  const strays = report.losses.filter(
    (atMs) => !killed.some(({ fromMs, toMs }) => atMs >= fromMs && atMs <= toMs),
  );
  const counted: [number, string][] = [
    [report.failed, 'players that were not let in'],
    [report.unfinished, 'players that were not answered'],
    [report.silent, 'players without any media'],
    [report.backwards, 'messages whose time ran backwards'],
    [strays.length, 'players lost while their edge lived'],
  ];
  const others = counted.flatMap(([count, what]) =>
    count > 0 ? [`${name}: ${count} ${what}`] : [],
  );
  return { resumedMs, problems: [...late, ...others] };
}

/** Judges the reports of all generations of players, by edge. */
export function judge(
  reports: readonly (readonly WatchReport[])[],
  faults: readonly Fault[],
  feed: Feed,
): Verdict {
  const verdicts = reports.flatMap((ofEdge, edge) =>
    ofEdge.map((report) => judgeReport(edge, report, faults, feed)),
  );
  return {
    resumedMs: verdicts.flatMap(({ resumedMs }) => resumedMs),
    problems: verdicts.flatMap(({ problems }) => problems),
  };
}
