/** A strict reader of the text format of Prometheus, version 0.0.4: it refuses what a scrape would, and bad style. */

export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Metric {
  readonly type: string;
  readonly help: string;
  readonly samples: MetricSample[];
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/s;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/s;
const NUMBER = /^(?:[+-]?Inf|NaN|[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;
const UNITS = /_(?:milliseconds|ms|minutes|kilobytes|kb|kbps|bits)(?:_|$)/;

/** The metrics by name; throws when the text is not as it should be. */
export function parsePrometheus(text: string): Map<string, Metric> {
  const metrics = new Map<string, Metric>();
  if (!text.endsWith('\n')) throw new Error('expect a line feed at the end');
  const lines = text.slice(0, -1).split('\n');
  for (let at = 0; at < lines.length;) {
    const end = lines.findIndex((line, index) => index > at + 1 && line.startsWith('#'));
    const family = lines.slice(at, end < 0 ? lines.length : end);
    const { name, metric } = parseFamily(family);
    if (metrics.has(name)) throw new Error(`${name} comes twice`);
    metrics.set(name, metric);
    at += family.length;
  }
  return metrics;
}

function parseFamily([first = '', second = '', ...own]: readonly string[]): {
  name: string;
  metric: Metric;
} {
  const [, name = '', help = ''] = /^# HELP (\S+) (.+)$/.exec(first) ?? [];
  const [, typed, type = ''] = /^# TYPE (\S+) (counter|gauge)$/.exec(second) ?? [];
  if (name === '' || typed !== name) throw new Error(`expect HELP and TYPE, got ${first}`);
  checkName(name, type);
  if (own.length === 0) throw new Error(`${name} has no samples`);
  if (new Set(own.map((line) => line.slice(0, line.lastIndexOf(' ')))).size < own.length) {
    throw new Error(`${name} has one sample twice`);
  }
  return {
    name,
    metric: { type, help, samples: own.map((line) => parseSample(line, name, type)) },
  };
}

function checkName(name: string, type: string): void {
  if (!/^srs_[a-z_]+$/.test(name)) throw new Error(`expect a name of srs_, got ${name}`);
  if (name.endsWith('_total') !== (type === 'counter')) throw new Error(`${name} is a ${type}`);
  if (UNITS.test(name)) throw new Error(`${name} is not in base units`);
}

function parseSample(line: string, expected: string, type: string): MetricSample {
  const [, name = '', labels = '', number = ''] = SAMPLE.exec(line) ?? [];
  if (name !== expected) throw new Error(`expect a sample of ${expected}, got ${line}`);
  if (!NUMBER.test(number)) throw new Error(`expect a number, got ${line}`);
  const value = Number(number.replace('Inf', 'Infinity'));
  if (type === 'counter' && !(value >= 0 && value < Infinity)) throw new Error(`counter: ${line}`);
  return { labels: parseLabels(labels), value };
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (let rest = text; rest !== '';) {
    const [all = '', name = '', value = ''] = LABEL.exec(rest) ?? [];
    if (all === '' || name in labels) throw new Error(`expect labels, got ${text}`);
    labels[name] = value.replace(/\\(.)/g, (_, escaped: string) =>
      escaped === 'n' ? '\n' : escaped,
    );
    rest = rest.slice(all.length);
  }
  return labels;
}
