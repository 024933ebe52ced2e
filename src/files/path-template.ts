/** Owns the file names made of a stream's names and the time, and what keeps them inside their directory. */
import { dirname, normalize, resolve, sep } from 'node:path';

import { ErrorCode, SrsError } from '../core/errors';

/** What the variables of a template stand for. */
export interface PathVariables {
  readonly vhost: string;
  readonly app: string;
  readonly stream: string;
  /** Epoch milliseconds, for [timestamp] and the date parts. */
  readonly nowMs: number;
  /** [seq], 0 when absent. */
  readonly seq?: number;
  /** Stands for [timestamp] instead of `nowMs`. */
  readonly timestamp?: number;
}

/** Names that are fixed in a {@link PathTemplate.matcher}; the others match any. */
export type PathNames = Partial<Pick<PathVariables, 'vhost' | 'app' | 'stream'>>;

type VariableName =
  | 'vhost'
  | 'app'
  | 'stream'
  | 'seq'
  | 'timestamp'
  | '2006'
  | '01'
  | '02'
  | '15'
  | '04'
  | '05'
  | '999';

/** What each variable may become, as a regular expression. Apps and streams may hold slashes. */
const patterns: Readonly<Record<VariableName, string>> = {
  vhost: '[^/]+',
  app: '.+?',
  stream: '.+?',
  seq: '\\d+',
  timestamp: '\\d+',
  '2006': '\\d{4,}',
  '01': '\\d{2}',
  '02': '\\d{2}',
  '15': '\\d{2}',
  '04': '\\d{2}',
  '05': '\\d{2}',
  '999': '\\d{3}',
};

const variable = /\[(vhost|app|stream|seq|timestamp|2006|01|02|15|04|05|999)\]/g;
/** More rounds of percent-encoding than anyone needs: such a name is refused. */
const maxDecodings = 5;

/** A piece of a template: text as it stands, or a variable. */
interface Part {
  readonly text: string;
  readonly name: VariableName | undefined;
}

/**
 * A path with the variables [vhost] [app] [stream] [seq] [timestamp] (ms) and the date parts [2006] year, [01] month,
 * [02] day, [15] hour, [04] minute, [05] second, [999] millisecond. Names cannot leave the fixed front part.
 */
export class PathTemplate {
  /** The directories before the first variable. */
  readonly root: string;
  readonly #parts: readonly Part[];
  readonly #isUtc: () => boolean;
  /** A relative path keeps its leading `./`, which hooks and logs then show as configured. */
  readonly #prefix: string;

  /** @param isUtc whether the date parts are UTC, else local time; asked for each path */
  constructor(template: string, isUtc: () => boolean) {
    this.#isUtc = isUtc;
    this.#prefix = template.startsWith('./') ? './' : '';
    this.#parts = split(normalize(template));
    const first = this.#parts[0];
    // A text of `.` keeps dirname from taking the directory of a path that ends in a slash for its name.
    const front = first === undefined || first.name !== undefined ? '' : first.text;
    const root = dirname(this.#parts.length > 1 ? `${front}.` : front);
    this.root = root === '.' ? root : `${this.#prefix}${root}`;
  }

  /** Whether the template holds the variable. */
  has(name: VariableName): boolean {
    return this.#parts.some((part) => part.name === name);
  }

  /** The path for a stream. Throws `SrsError` SYSTEM_FILE_OPENE for a name that cannot be part of a path. */
  resolve(variables: PathVariables): string {
    for (const key of ['vhost', 'app', 'stream'] as const) {
      const reason = unsafeNameReason(variables[key]);
      if (reason === undefined || !this.has(key)) continue;
      refuse(`the ${key} ${JSON.stringify(variables[key])} cannot be part of a path: ${reason}`);
    }
    const values = this.#values(variables);
    const text = this.#parts.map(({ text, name }) => (name ? values[name] : text)).join('');
    const path = `${this.#prefix}${normalize(text)}`;
    const root = resolve(this.root);
    if (!resolve(path).startsWith(root.endsWith(sep) ? root : root + sep)) {
      refuse(`expected a path below ${this.root}, got ${JSON.stringify(path)}`);
    }
    return path;
  }

  /**
   * Matches the paths the template may have made, with or without a leading `./`. `names` fixes names; the others are
   * the groups `vhost`, `app` and `stream` of a match, as far as the template holds them.
   */
  matcher(names: PathNames = {}): RegExp {
    const known = new Map<VariableName, string>(Object.entries(names) as [VariableName, string][]);
    const grouped = new Set<VariableName>();
    const pieces = this.#parts.map(({ text, name }) => {
      if (name === undefined) return escape(text);
      const fixed = known.get(name);
      if (fixed !== undefined) return escape(fixed);
      if (!['vhost', 'app', 'stream'].includes(name)) return patterns[name];
      if (grouped.has(name)) return `\\k<${name}>`;
      grouped.add(name);
      return `(?<${name}>${patterns[name]})`;
    });
    return new RegExp(`^(?:\\./)?${pieces.join('')}$`, 's');
  }

  #values(variables: PathVariables): Record<VariableName, string> {
    const { nowMs, seq = 0, timestamp = nowMs } = variables;
    // The getters of Date give local time: UTC is had by taking the offset of the zone off.
    const zoneMs = this.#isUtc() ? 0 : new Date(nowMs).getTimezoneOffset() * 60_000;
    const date = new Date(nowMs - zoneMs);
    return {
      vhost: variables.vhost,
      app: variables.app,
      stream: variables.stream,
      seq: String(seq),
      timestamp: String(timestamp),
      '2006': String(date.getUTCFullYear()),
      '01': padded(date.getUTCMonth() + 1),
      '02': padded(date.getUTCDate()),
      '15': padded(date.getUTCHours()),
      '04': padded(date.getUTCMinutes()),
      '05': padded(date.getUTCSeconds()),
      '999': padded(date.getUTCMilliseconds(), 3),
    };
  }
}

/**
 * Why a stream's app or name cannot be part of a path; undefined when it can. Refused are control characters,
 * backslashes, a leading slash and the segments `.` and `..`, also when percent-encoded, once or more.
 */
export function unsafeNameReason(name: string): string | undefined {
  let text = name;
  for (let round = 0; round <= maxDecodings; round++) {
    const reason = plainReason(text);
    if (reason !== undefined) return round === 0 ? reason : `${reason}, percent-encoded`;
    const decoded = text.replace(/%([0-9a-f]{2})/gi, (_, digits: string) =>
      String.fromCharCode(parseInt(digits, 16)),
    );
    if (decoded === text) return undefined;
    text = decoded;
  }
  return `it is percent-encoded more than ${maxDecodings} times`;
}

function plainReason(text: string): string | undefined {
  // eslint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\x00-\x1f\x7f]/.test(text)) return 'it contains a control character';
  if (text.includes('\\')) return 'it contains a backslash';
  if (text.startsWith('/')) return 'it begins with "/"';
  const dots = text.split('/').find((segment) => segment === '.' || segment === '..');
  return dots === undefined ? undefined : `it contains the segment "${dots}"`;
}

function split(template: string): Part[] {
  const parts: Part[] = [];
  let at = 0;
  for (const match of template.matchAll(variable)) {
    if (match.index > at) parts.push({ text: template.slice(at, match.index), name: undefined });
    parts.push({ text: match[0], name: match[1] as VariableName });
    at = match.index + match[0].length;
  }
  if (at < template.length) parts.push({ text: template.slice(at), name: undefined });
  return parts;
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function padded(value: number, digits = 2): string {
  return String(value).padStart(digits, '0');
}

function refuse(message: string): never {
  throw new SrsError(ErrorCode.SYSTEM_FILE_OPENE, message);
}
