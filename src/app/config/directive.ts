/** Owns the shapes a directive can have; the sections are written with these functions. */
import type { Feature } from './features';
import type { Argument, Directive } from './parser';
import { readSection } from './row';
import type { OptionsOf, Row, Rows, Scope } from './row';
import type { ValueType } from './values';

/** What every row says beside its value. */
export interface Meta {
  /** One sentence for the reference page. */
  readonly doc: string;
  /** Set when a change needs a restart. */
  readonly restart?: true;
  /** Older names of the directive. */
  readonly aliases?: readonly string[];
  /** The feature it switches on; warned about when the build lacks it. */
  readonly feature?: Feature;
  /** How that warning names it, when not by the directive's name. */
  readonly what?: string;
}

/** What a single value adds: its name in messages, and when it switches its feature on. */
export interface ValueMeta<T> extends Meta {
  /** Name of the value in an error, when it is not the directive's (`port` of `listen`). */
  readonly noun?: string;
  /** Which values switch the feature on; default: all but `off`. */
  readonly switchesOn?: (value: T) => boolean;
}

/** `name value;` with a default in the file's own spelling, or that of a row further out. */
export function one<T>(
  name: string,
  type: ValueType<T>,
  fallback: string | Row<T>,
  meta: ValueMeta<T>,
): Row<T> {
  const inherited = typeof fallback === 'string' ? undefined : fallback;
  const preset = typeof fallback === 'string' ? parsePreset(type, fallback, name) : undefined;
  return {
    ...common(name, meta),
    label: type.label,
    defaultLabel: typeof fallback === 'string' ? fallback : `root's ${fallback.name}`,
    inherited,
    read([directive], scope): T {
      if (directive) {
        const value = readOne(directive, type, scope, meta.noun);
        const isOn = meta.switchesOn ?? ((given: T) => given !== false);
        if (isOn(value)) use(directive, meta, scope);
        return value;
      }
      return inherited ? scope.inherited(inherited) : (preset as T);
    },
  };
}

/** `name value …;` with at least one value, once or, when `isRepeatable`, any number; absent means none, or `fallback`. */
export function list<T>(
  name: string,
  type: ValueType<T>,
  meta: ValueMeta<T> & { readonly fallback?: string; readonly isRepeatable?: true },
): Row<readonly T[]> {
  const preset = meta.fallback === undefined ? [] : [parsePreset(type, meta.fallback, name)];
  return {
    ...common(name, meta),
    label: `${type.label} …`,
    defaultLabel: meta.fallback ?? '',
    isRepeatable: meta.isRepeatable ?? false,
    read(given, scope): readonly T[] {
      if (given.length === 0) return preset;
      return (meta.isRepeatable ? given : given.slice(0, 1)).flatMap((directive) => {
        if (directive.children) throw scope.misused(directive, 'takes no block, expecting ;');
        use(directive, meta, scope);
        return readList(directive, type, scope, meta.noun);
      });
    },
  };
}

/**
 * `name value …;` or `name [value …] { … }`, at most once: a block with a list, `field`, that may stand before it instead.
 */
export function listedBlock<R extends Rows, Field extends keyof R & string>(
  name: string,
  field: Field,
  type: ValueType<OptionsOf<R>[Field] extends readonly (infer T)[] ? T : never>,
  rows: R,
  meta: Meta,
): Row<OptionsOf<R>> {
  return {
    ...common(name, meta),
    label: `${type.label} …`,
    defaultLabel: '',
    rows,
    argumentsAre: rows[field]?.name,
    read([directive], scope): OptionsOf<R> {
      const inner = scope.inner(name);
      if (!directive) return readSection(rows, [], inner);
      const words =
        directive.children && directive.args.length === 0 ? [] : readList(directive, type, scope);
      const options: Record<string, unknown> = readSection(rows, directive.children ?? [], inner);
      if (options['enabled'] !== false) use(directive, meta, scope);
      return {
        ...options,
        [field]: [...words, ...(options[field] as readonly unknown[])],
      } as OptionsOf<R>;
    },
  };
}

/** `name { … }`, at most once; absent means every default. */
export function block<R extends Rows>(name: string, rows: R, meta: Meta): Row<OptionsOf<R>> {
  return {
    ...common(name, meta),
    label: 'block',
    defaultLabel: '',
    rows,
    read([directive], scope): OptionsOf<R> {
      if (!directive) return readSection(rows, [], scope.inner(name));
      return readBlock(directive, rows, meta, scope);
    },
  };
}

/** `name [argument] { … }`, any number; `field` is where the argument (perhaps '') is kept. */
export function blocks<R extends Rows, Field extends string = never>(
  name: string,
  field: Field | undefined,
  rows: R,
  meta: Meta,
): Row<readonly (OptionsOf<R> & Readonly<Record<Field, string>>)[]> {
  return {
    ...common(name, meta),
    label: field === undefined ? 'block, repeatable' : `block with ${field}, repeatable`,
    defaultLabel: '',
    isRepeatable: true,
    rows,
    read: (given, scope) =>
      given.map((directive) => {
        const options = readBlock(directive, rows, meta, scope, field);
        const argument = directive.args[0]?.text ?? '';
        const named = field === undefined ? {} : { [field]: argument };
        return { ...named, ...options };
      }),
  };
}

/** A block of free `key value;` lines, kept in order. */
export function pairs(name: string, meta: Meta): Row<readonly (readonly [string, string])[]> {
  return {
    ...common(name, meta),
    label: 'block of key value',
    defaultLabel: '',
    read([directive], scope) {
      return (directive ? childrenOf(directive, scope) : []).map((child) => {
        const [value, extra] = child.args;
        if (child.children) throw scope.inner(name).misused(child, 'takes no block');
        if (extra) throw tooMany(child, extra, scope.inner(name));
        return [child.name, value?.text ?? ''];
      });
    },
  };
}

/** `name first second;`, any number: a rule of two words. */
export function rules<A, B>(
  name: string,
  types: readonly [ValueType<A>, ValueType<B>],
  meta: Meta,
): Row<readonly (readonly [A, B])[]> {
  return {
    ...common(name, meta),
    label: types.map((type) => `(${type.label})`).join(' '),
    defaultLabel: '',
    isRepeatable: true,
    read: (given, scope) => given.map((directive) => readRule(directive, types, scope)),
  };
}

/**
 * `name first second [third];`, any number: a rule of two words, and perhaps what it is about. Errors repeat no word: one
 * of them may be a secret, wherever it stands.
 */
export function secretRules<A, B, C>(
  name: string,
  [typeA, typeB, typeC]: readonly [ValueType<A>, ValueType<B>, ValueType<C>],
  meta: Meta,
): Row<readonly (readonly [A, B, C | undefined])[]> {
  return {
    ...common(name, meta),
    label: `(${typeA.label}) (${typeB.label}) [${typeC.label}]`,
    defaultLabel: '',
    isRepeatable: true,
    read: (given, scope) =>
      given.map((directive) => {
        const [, , third, extra] = directive.args;
        if (directive.children) throw scope.misused(directive, 'takes no block');
        if (extra) throw scope.misused(directive, 'has too many values, is a ; missing?');
        return [
          readSecretly(directive, 0, typeA, scope),
          readSecretly(directive, 1, typeB, scope),
          third && readSecretly(directive, 2, typeC, scope),
        ] as const;
      }),
  };
}

function readSecretly<T>(
  directive: Directive,
  index: 0 | 1 | 2,
  type: ValueType<T>,
  scope: Scope,
): T {
  const word = directive.args[index];
  const value = word && type.parse(word.text);
  if (value !== undefined) return value;
  const nth = ['first', 'second', 'third'][index] ?? '';
  throw scope.misused(directive, `expects a ${nth} value that must ${type.rule}`);
}

function readRule<A, B>(
  directive: Directive,
  [typeA, typeB]: readonly [ValueType<A>, ValueType<B>],
  scope: Scope,
): readonly [A, B] {
  const [first, second, extra] = directive.args;
  if (directive.children) throw scope.misused(directive, 'takes no block');
  if (!first || !second) throw scope.misused(directive, 'expects two values');
  if (extra) throw tooMany(directive, extra, scope);
  return [
    readWord(directive, first, typeA, scope, directive.name),
    readWord(directive, second, typeB, scope, directive.name),
  ];
}

function common(name: string, meta: Meta): Omit<Row<never>, 'read' | 'label' | 'defaultLabel'> {
  return {
    name,
    aliases: meta.aliases ?? [],
    doc: meta.doc,
    isReloadable: meta.restart === undefined,
    feature: meta.feature,
    isRepeatable: false,
    rows: undefined,
  };
}

function use(directive: Directive, meta: Meta, scope: Scope): void {
  if (meta.feature === undefined) return;
  scope.use(meta.feature, directive, meta.what ?? `"${directive.name}"`);
}

/** A default that its own kind refuses is a mistake of the program, found when it starts. */
function parsePreset<T>(type: ValueType<T>, word: string, name: string): T {
  const value = type.parse(word);
  if (value !== undefined) return value;
  throw new Error(`default of ${name} must ${type.rule}, it is "${word}"`);
}

function readOne<T>(directive: Directive, type: ValueType<T>, scope: Scope, noun?: string): T {
  const [first, extra] = directive.args;
  if (directive.children) throw scope.misused(directive, 'takes no block, expecting ;');
  if (extra) throw tooMany(directive, extra, scope);
  if (first) return readWord(directive, first, type, scope, noun);
  const empty = type.mayBeEmpty === true ? type.parse('') : undefined;
  if (empty === undefined) throw scope.misused(directive, `expects a value, must ${type.rule}`);
  return empty;
}

function readList<T>(
  directive: Directive,
  type: ValueType<T>,
  scope: Scope,
  noun?: string,
): readonly T[] {
  if (directive.args.length === 0) {
    throw scope.misused(directive, `expects a value, must ${type.rule}`);
  }
  return directive.args.map((word) => readWord(directive, word, type, scope, noun));
}

function readWord<T>(
  directive: Directive,
  word: Argument,
  type: ValueType<T>,
  scope: Scope,
  noun?: string,
): T {
  const value = type.parse(word.text);
  if (value !== undefined) return value;
  const place = { file: directive.file, line: word.line };
  throw scope.invalid(place, directive.name, word.text, type.rule, noun);
}

function tooMany(directive: Directive, extra: Argument, scope: Scope): Error {
  const hint = scope.missingSemicolon(extra.text);
  return scope.misused(directive, `has too many values, expecting ; before ${extra.text}${hint}`);
}

function childrenOf(directive: Directive, scope: Scope): readonly Directive[] {
  if (directive.children) return directive.children;
  throw scope.misused(directive, 'expects a block { … }');
}

/** Reads a block; its feature counts when the block says `enabled on`, or has no such option. */
function readBlock<R extends Rows>(
  directive: Directive,
  rows: R,
  meta: Meta,
  scope: Scope,
  field?: string,
): OptionsOf<R> {
  const [argument, extra] = directive.args;
  const unexpected = field === undefined ? argument : extra;
  if (unexpected) throw tooMany(directive, unexpected, scope);
  const children = childrenOf(directive, scope);
  const inner = scope.inner(directive.name, argument?.text);
  const options: Readonly<Record<string, unknown>> = readSection(rows, children, inner);
  if (options['enabled'] !== false) use(directive, meta, scope);
  return options as OptionsOf<R>;
}
