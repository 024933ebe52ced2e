// The report: one Markdown table.
import type { LoadReport } from './generator';
import type { Result } from './measure';

const HEAD = [
  'load',
  'server',
  'CPU %',
  'floor %',
  '× floor',
  'RSS MB, idle → loaded',
  'ms, p50 / p99 / max',
  'kbps each',
  'lost',
  'load CPU %',
  'others %',
];

/** What went wrong in a row, in words; empty when nothing did. */
export function losses(result: Result): string[] {
  const report: LoadReport = result.report;
  const counted: [number | undefined, string][] = [
    [report.failed, 'failed'],
    [report.unfinished, 'not started'],
    [report.lost, 'lost'],
    [report.silent, 'without data'],
    [report.verified?.gaps, 'gaps'],
    [report.verified?.errors, 'stream errors'],
    [report.listenOverflows, 'listen overflows'],
    [report.stalls, 'stalled sends'],
  ];
  const words = counted.flatMap(([count, what]) => (count ? [`${count} ${what}`] : []));
  const limit = result.row.rssLimit;
  if (limit !== undefined && result.rssMb >= limit) words.push(`RSS above ${limit} MB`);
  return [...words, ...result.notes];
}

function milliseconds(report: LoadReport): string {
  const times = report.latencyMs ?? report.tookMs;
  return times ? [times.p50, times.p99, times.max].map((ms) => ms.toFixed(2)).join(' / ') : '';
}

function cells(result: Result, floor: number | undefined): string[] {
  const { report } = result;
  const wrong = losses(result);
  return [
    result.row.title,
    result.server,
    result.cpu.toFixed(1),
    floor === undefined ? '' : floor.toFixed(1),
    floor === undefined ? '' : (result.cpu / floor).toFixed(2),
    `${result.idleMb.toFixed(0)} → ${result.rssMb.toFixed(0)}`,
    milliseconds(report),
    report.kbps === undefined ? '' : report.kbps.toFixed(0),
    wrong.length === 0 ? '0' : wrong.join(', '),
    (report.loadCpu ?? 0).toFixed(0),
    result.othersCpu.toFixed(0),
  ];
}

const line = (values: readonly string[]): string => `| ${values.join(' | ')} |`;

/** What a row costs more than the one it is compared with. */
export function comparison(result: Result, base: Result): string {
  const times = (one: number, other: number): string => (one / other).toFixed(2);
  const cpu = `CPU × ${times(result.cpu, base.cpu)} (${result.cpu.toFixed(1)} %, ${base.cpu.toFixed(1)} %)`;
  const [own, others] = [result.report.latencyMs, base.report.latencyMs];
  const more = (one: number, other: number): string =>
    `${one < other ? '' : '+'}${(one - other).toFixed(2)}`;
  const latency =
    own && others
      ? `; p50 ${more(own.p50, others.p50)} ms, p99 ${more(own.p99, others.p99)} ms`
      : '';
  return `${result.server}, ${result.row.id} against ${base.row.id}: ${cpu}${latency}`;
}

/** The head of the table. */
export function tableHead(): string {
  return [line(HEAD), line(HEAD.map(() => '---'))].join('\n');
}

/** One line of the table. */
export function tableLine(result: Result, floor: number | undefined): string {
  return line(cells(result, floor));
}
