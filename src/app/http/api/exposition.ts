/** Owns the text format in which Prometheus reads metrics, version 0.0.4. */

/** What the text is sent as. */
export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** One metric of many things of a kind, `T`. */
export interface MetricFamily<T> {
  /** With the base unit as its ending; a counter ends in `_total`. */
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  /** Labels beside those that name the thing. */
  labels?(thing: T): Labels;
  /** Undefined where the thing has no such figure: no line is written then. */
  value(thing: T): number | undefined;
}

/** Names and values. A name is `[a-z_]+`; a value may be any text. */
export type Labels = Readonly<Record<string, string>>;

/** A thing that is measured, and the labels that name it, as {@link labelText} writes them. */
export interface Labelled<T> {
  readonly labels: string;
  readonly thing: T;
}

/** What would end a value, and what no text may hold: control characters, halves of surrogate pairs. */
const TO_ESCAPE = /[\\"\p{Cc}\p{Cs}]/gu;

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' };

/** `a="1",b="2"`, escaped; what cannot be printed becomes U+FFFD. */
export function labelText(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escapeValue(value)}"`)
    .join(',');
}

function escapeValue(value: string): string {
  return value.replace(TO_ESCAPE, (character) => escapes[character] ?? '\ufffd');
}

/** The lines of each family that has a figure for at least one of `things`. */
export function exposeAll<T>(
  families: readonly MetricFamily<T>[],
  things: readonly Labelled<T>[],
): string {
  return families.map((family) => expose(family, things)).join('');
}

function expose<T>(family: MetricFamily<T>, things: readonly Labelled<T>[]): string {
  let lines = '';
  for (const { labels, thing } of things) {
    const value = family.value(thing);
    if (value === undefined) continue;
    const own = family.labels === undefined ? '' : labelText(family.labels(thing));
    const all = labels === '' || own === '' ? labels + own : `${labels},${own}`;
    lines += `${family.name}${all === '' ? '' : `{${all}}`} ${numberText(value)}\n`;
  }
  if (lines === '') return '';
  return `# HELP ${family.name} ${family.help}\n# TYPE ${family.name} ${family.type}\n${lines}`;
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : `${value > 0 ? '+' : '-'}Inf`;
}
