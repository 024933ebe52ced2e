/**
 * Owns what an option is: one row with name, kind, default and documentation, and how the rows of a
 * block turn its directives into a plain record. Defaults, inheritance, duplicates and unknown names
 * are decided here and nowhere else.
 */
import { redactStream } from '../../core/redact';

import { ConfigError, placeText } from './config-error';
import type { Place, Warning } from './config-error';
import type { Feature } from './features';
import type { Directive } from './parser';
import { nearest } from './suggest';

/** One option: `read` turns the directives given for it (perhaps none) into its value. */
export interface Row<T> {
  /** The directive's name. */
  readonly name: string;
  /** Older names, accepted like the name itself. */
  readonly aliases: readonly string[];
  /** One sentence for the reference page. */
  readonly doc: string;
  /** Kind of value, for the reference page. */
  readonly label: string;
  /** Default as it would be written in a file, for the reference page. */
  readonly defaultLabel: string;
  /** Whether a reload applies a change without a restart. */
  readonly isReloadable: boolean;
  /** The feature that this option switches on. */
  readonly feature: Feature | undefined;
  /** Whether it may be given several times. */
  readonly isRepeatable: boolean;
  /** Options inside its block; undefined when it has none. */
  readonly rows: Rows | undefined;
  /** The directive inside its block that its own arguments stand for. */
  readonly argumentsAre?: string | undefined;
  /** The row further out whose value is used when this one is not given. */
  readonly inherited?: Row<unknown> | undefined;
  read(given: readonly Directive[], scope: Scope): T;
}

/** The options of a block: field name of the typed value → row. */
export type Rows = Readonly<Record<string, Row<unknown>>>;

/** The plain, readonly value that a set of rows describes. */
export type OptionsOf<R extends Rows> = {
  readonly [Field in keyof R]: R[Field] extends Row<infer T> ? T : never;
};

/** What all blocks of one configuration share while it is read. */
export interface Report {
  /** Warnings so far. */
  readonly warnings: Warning[];
  /** Features of this build. */
  readonly features: ReadonlySet<Feature>;
  /** Blocks in which a name is known, as `root`, `vhost`, `vhost hls`; empty for an unknown name. */
  scopesOf(name: string): readonly string[];
}

/** A feature switched on somewhere. */
interface FeatureUse {
  readonly feature: Feature;
  readonly place: Place;
  readonly text: string;
}

/** The block being read: its names for messages, and the values read so far. */
export class Scope {
  /** Kind of block, as `vhost hls`; empty at root. */
  readonly words: string;
  /** This very block, as `vhost a.com hls`; empty at root. */
  readonly title: string;
  readonly report: Report;
  private readonly outer: Scope | undefined;
  private readonly values = new Map<Row<unknown>, unknown>();
  private readonly uses: FeatureUse[] = [];

  constructor(report: Report, words = '', title = '', outer?: Scope) {
    this.report = report;
    this.words = words;
    this.title = title;
    this.outer = outer;
  }

  /** The block `name` within this one; `argument` tells it from its like (vhost name, ingest id). */
  inner(name: string, argument = ''): Scope {
    const title = join(this.title, join(name, argument));
    return new Scope(this.report, join(this.words, name), title, this);
  }

  remember(row: Row<unknown>, value: unknown): void {
    this.values.set(row, value);
  }

  /** Value of a row of an enclosing block (or of an earlier row of this one). */
  inherited<T>(row: Row<T>): T {
    if (this.values.has(row)) return this.values.get(row) as T;
    if (this.outer) return this.outer.inherited(row);
    return row.read([], this);
  }

  warn({ file, line }: Place, message: string): void {
    this.report.warnings.push({ file, line, message });
  }

  /** Notes that a feature is switched on; whether it counts is known when the block is complete. */
  use(feature: Feature, place: Place, what: string): void {
    const prefix = this.title === '' ? '' : `${this.title}: `;
    this.uses.push({ feature, place, text: `${prefix}${what}` });
  }

  /** Ends a block: what a disabled block switches on does not count. */
  close(isEnabled: boolean): void {
    if (!isEnabled) return;
    if (this.outer) {
      this.outer.uses.push(...this.uses);
      return;
    }
    for (const { feature, place, text } of this.uses) {
      if (this.report.features.has(feature)) continue;
      this.warn(place, `${text} is not available in this build and is ignored`);
    }
  }

  /** An unusable word, in the reference's form: `directive <name> invalid, <noun>=<word>, must …`. */
  invalid(place: Place, name: string, word: string, rule: string, noun = name): ConfigError {
    const text = `directive ${join(this.title, name)} invalid, ${noun}=${redactStream(word)}, must ${rule}`;
    return new ConfigError(place, text + this.missingSemicolon(word));
  }

  /** A directive written in a wrong form. */
  misused(directive: Directive, message: string): ConfigError {
    return new ConfigError(directive, `directive ${join(this.title, directive.name)} ${message}`);
  }

  /** A hint when a word where a value was expected is the name of a directive. */
  missingSemicolon(word: string): string {
    return this.report.scopesOf(word).length > 0 ? ` (is a ; missing before ${word}?)` : '';
  }
}

/**
 * Reads the directives of one block by its rows. Throws ConfigError on an unknown name or an
 * unusable value; of a directive given twice the first counts and the others are warned about.
 */
export function readSection<R extends Rows>(
  rows: R,
  directives: readonly Directive[],
  scope: Scope,
): OptionsOf<R> {
  const given = groupByRow(rows, directives, scope);
  const values: Record<string, unknown> = {};
  for (const [field, row] of Object.entries(rows)) {
    const found = given.get(row) ?? [];
    if (!row.isRepeatable) warnIgnored(found, scope);
    const value = row.read(found, scope);
    scope.remember(row, value);
    values[field] = value;
  }
  scope.close(values['enabled'] !== false);
  return values as OptionsOf<R>;
}

function groupByRow(
  rows: Rows,
  directives: readonly Directive[],
  scope: Scope,
): Map<Row<unknown>, Directive[]> {
  const byName = new Map<string, Row<unknown>>();
  for (const row of Object.values(rows)) {
    for (const name of [row.name, ...row.aliases]) byName.set(name, row);
  }
  const groups = new Map<Row<unknown>, Directive[]>();
  for (const directive of directives) {
    const row = byName.get(directive.name);
    if (!row) throw unsupported(directive, byName.keys(), scope);
    const group = groups.get(row);
    if (group) group.push(directive);
    else groups.set(row, [directive]);
  }
  return groups;
}

function unsupported(directive: Directive, known: Iterable<string>, scope: Scope): ConfigError {
  const { name } = directive;
  const near = nearest(name, known);
  const elsewhere = scope.report.scopesOf(name);
  const hints = [
    ...(near === undefined ? [] : [`did you mean "${near}"?`]),
    ...(elsewhere.length === 0 ? [] : [`it belongs in ${elsewhere.join(' or ')}`]),
  ];
  const text = `unsupported ${join(scope.words, 'directive')} ${name}`;
  return new ConfigError(directive, [text, ...hints].join(', '));
}

function warnIgnored(found: readonly Directive[], scope: Scope): void {
  const [first, ...ignored] = found;
  for (const directive of ignored) {
    const title = join(scope.title, directive.name);
    const place = first ? placeText(first) : '';
    scope.warn(directive, `directive ${title} duplicated and ignored, the one of ${place} counts`);
  }
}

function join(left: string, right: string): string {
  return left === '' || right === '' ? left + right : `${left} ${right}`;
}
