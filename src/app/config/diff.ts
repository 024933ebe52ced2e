/** Owns the comparison of two configurations: what a reload from one to the other changes, as an operator reads it. */
import { isDeepStrictEqual } from 'node:util';

import { redactStream } from '../../core/redact';

import { rootRows } from './config';
import type { Config } from './config';
import type { Directive } from './parser';
import type { Row, Rows } from './row';
import { globalRows } from './sections/global';
import { vhostRows } from './sections/vhost';

/** One thing that is not as it was. */
export interface ConfigChange {
  /** Name of the vhost; undefined for options of root level. */
  readonly vhost: string | undefined;
  /** Key of GlobalOptions or VhostOptions whose value changed, or `vhost` for one that came or went. */
  readonly field: string;
  readonly kind: 'added' | 'removed' | 'changed';
  /** One line, as `vhost a.com hls hls_fragment: 10 -> 5`; secrets are shown as `***`. */
  readonly text: string;
  readonly needsRestart: boolean;
}

/**
 * What differs, root level first, then vhost by vhost in the order of `after`, then those that are gone. Values decide,
 * not their spelling: a default that is written down, an older name of a directive or another order is no change. An
 * option that takes the value of one further out (a vhost's `chunk_size`) is not listed with each vhost that does so,
 * but once, where it is written.
 */
export function diffConfigs(before: Config, after: Config): readonly ConfigChange[] {
  const root = { title: 'root', vhost: undefined, field: undefined, needsRestart: false };
  const global = diffSection(
    globalRows,
    { directives: before.directives, values: before.global },
    { directives: after.directives, values: after.global },
    root,
  );
  return [...global, ...diffVhosts(vhostsOf(before), vhostsOf(after))];
}

/** A block of one of the two: its words, and what they mean. */
interface Side {
  readonly directives: readonly Directive[];
  readonly values: Readonly<Record<string, unknown>>;
}

/** Which block is compared. */
interface Place {
  /** As it begins a line: `root`, `vhost a.com hls`. */
  readonly title: string;
  readonly vhost: string | undefined;
  /** The field at the outermost level; undefined at that level. */
  readonly field: string | undefined;
  readonly needsRestart: boolean;
}

/** The directives of one row, and their value. */
interface Given {
  readonly directives: readonly Directive[];
  readonly value: unknown;
}

function vhostsOf(config: Config): ReadonlyMap<string, Side> {
  const blocks = config.directives.filter(({ name }) => name === rootRows.vhosts.name);
  return new Map(
    config.vhosts.map((values, index) => [
      values.name,
      { values, directives: blocks[index]?.children ?? [] },
    ]),
  );
}

function diffVhosts(
  before: ReadonlyMap<string, Side>,
  after: ReadonlyMap<string, Side>,
): ConfigChange[] {
  const gone = [...before.keys()].filter((name) => !after.has(name));
  const there = [...after].flatMap(([name, side]) => {
    const title = `vhost ${name}`;
    const old = before.get(name);
    const place = { title, vhost: name, field: undefined, needsRestart: false };
    if (!old) return [change({ ...place, field: 'vhost' }, 'added', `${title} added`)];
    return isDeepStrictEqual(old.values, side.values)
      ? []
      : diffSection(vhostRows, old, side, place);
  });
  const removed = gone.map((name) => {
    const title = `vhost ${name}`;
    const place = { title, vhost: name, field: 'vhost', needsRestart: false };
    return change(place, 'removed', `${title} removed`);
  });
  return [...there, ...removed];
}

function diffSection(rows: Rows, before: Side, after: Side, place: Place): ConfigChange[] {
  return Object.entries(rows).flatMap(([name, row]) => {
    const inner = {
      ...place,
      field: place.field ?? name,
      needsRestart: place.needsRestart || !row.isReloadable,
    };
    const [old, now] = [givenOf(row, before, name), givenOf(row, after, name)];
    return isDeepStrictEqual(old.value, now.value) ? [] : diffRow(row, old, now, inner);
  });
}

function diffRow(row: Row<unknown>, before: Given, after: Given, place: Place): ConfigChange[] {
  const title = `${place.title} ${row.name}`;
  if (row.rows && row.isRepeatable) return diffBlocks(before, after, { ...place, title });
  if (row.rows && !Array.isArray(after.value)) {
    return diffSection(row.rows, sideOf(row, before), sideOf(row, after), { ...place, title });
  }
  const isInherited = row.inherited && before.directives.length + after.directives.length === 0;
  if (isInherited) return [];
  const [old, now] = [wordsOf(row, before.directives), wordsOf(row, after.directives)];
  const isTold = old !== now || isSecret(row);
  return [change(place, 'changed', `${title}: ${isTold ? `${old} -> ${now}` : 'changed'}`)];
}

/** Blocks of one name are told apart by their argument; those with the same one, by their order. */
function diffBlocks(before: Given, after: Given, place: Place): ConfigChange[] {
  const [old, now] = [byArgument(before), byArgument(after)];
  const titleOf = (key: string): string => (key === '' ? place.title : `${place.title} ${key}`);
  const there = [...now].flatMap(([key, value]) => {
    if (!old.has(key)) return [change(place, 'added', `${titleOf(key)} added`)];
    return isDeepStrictEqual(old.get(key), value)
      ? []
      : [change(place, 'changed', `${titleOf(key)}: changed`)];
  });
  const gone = [...old.keys()]
    .filter((key) => !now.has(key))
    .map((key) => change(place, 'removed', `${titleOf(key)} removed`));
  const changes = [...there, ...gone];
  const hasMoved = changes.length === 0;
  return hasMoved ? [change(place, 'changed', `${place.title}: order changed`)] : changes;
}

function byArgument({ directives, value }: Given): ReadonlyMap<string, unknown> {
  const values = Array.isArray(value) ? (value as readonly unknown[]) : [];
  const found = new Map<string, unknown>();
  values.forEach((options, index) => {
    const argument = directives[index]?.args[0]?.text ?? '';
    const key = found.has(argument) ? `${argument}#${index + 1}` : argument;
    found.set(key, options);
  });
  return found;
}

function givenOf(row: Row<unknown>, { directives, values }: Side, field: string): Given {
  const names = [row.name, ...row.aliases];
  const found = directives.filter(({ name }) => names.includes(name));
  return { directives: row.isRepeatable ? found : found.slice(0, 1), value: values[field] };
}

function sideOf({ argumentsAre: name }: Row<unknown>, { directives, value }: Given): Side {
  const [directive] = directives;
  const listed = directive && name !== undefined ? [{ ...directive, name }] : [];
  return {
    directives: [...listed.filter(({ args }) => args.length > 0), ...(directive?.children ?? [])],
    values: value as Readonly<Record<string, unknown>>,
  };
}

const SECRET_NAME = /token|secret|key|sign|auth|pass|pwd|credential/i;
/** Kinds of values that are no secret, whatever the name of their directive. */
const PLAIN_KIND = /^(\w+\||int |number |seconds |size |path|url|\[ip:\]port)/;

function isSecret(row: Row<unknown>): boolean {
  return SECRET_NAME.test(row.name) && !PLAIN_KIND.test(row.label);
}

/** The arguments as written, of all directives of the row; what holds without one, when there is none. */
function wordsOf(row: Row<unknown>, directives: readonly Directive[]): string {
  if (directives.length === 0) return row.defaultLabel === '' ? 'none' : row.defaultLabel;
  const texts = directives.map(({ args }) => args.map(({ text }) => text).join(' '));
  const shown = isSecret(row) ? texts.map(() => '***') : texts.map(redactStream);
  return shown.map((text) => (text === '' ? '""' : text)).join(', ');
}

function change(
  { vhost, field = '', needsRestart }: Place,
  kind: ConfigChange['kind'],
  text: string,
): ConfigChange {
  const hint = needsRestart ? ' (needs a restart)' : '';
  return { vhost, field, kind, text: `${text}${hint}`, needsRestart };
}
