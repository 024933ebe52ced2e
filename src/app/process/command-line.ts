/** Owns the reading of the command line. */
import { ErrorCode, SrsError } from '../../core/errors';

/** Values that replace those of the configuration file; with one of them, srs stays in front. */
export interface CommandOverrides {
  /** `-p`: RTMP port to listen at instead of the configured ones. */
  readonly rtmpPort?: number;
  /** `-x`: port of the HTTP server. */
  readonly httpPort?: number;
}

/** What `-s` can have a running server do. */
export type ServerOrder = 'reload' | 'quit' | 'stop' | 'reopen';

/** What the command line asks for. */
export type Command =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'bandcheck'; readonly url: string }
  | { readonly kind: 'order'; readonly order: ServerOrder; readonly configFile: string }
  | {
      readonly kind: 'test';
      readonly configFile: string;
      readonly overrides: CommandOverrides;
      /** `--diff`: the file that the tested one is compared with. */
      readonly diffWith?: string;
    }
  | {
      readonly kind: 'run';
      readonly configFile: string;
      readonly overrides: CommandOverrides;
    };

const LONG_OPTIONS: Readonly<Record<string, string>> = { '--help': '-h', '--version': '-v' };
const DIFF = '--diff';
/** Long options with a value, and the name under which it is kept. */
const LONG_VALUES: Readonly<Record<string, string>> = { [DIFF]: DIFF, '--bandcheck': 'b' };
const VALUE_LETTERS = 'bcpsx';
const ORDERS: readonly ServerOrder[] = ['reload', 'quit', 'stop', 'reopen'];
const MAX_PORT = 65535;

interface Seen {
  help: boolean;
  version: boolean;
  test: boolean;
  values: Map<string, string>;
}

/**
 * Reads the arguments after the program's name, left to right. Letters combine (`-tc FILE`), a
 * value may follow its letter at once (`-cFILE`). Help asked for by `-h`, `-?` or a stray word is
 * taken back by a later `-v`, `-t`, `-b`, `-c` or `-s`; what remains of help wins, then version.
 *
 * @param program how the user calls this program, for messages.
 * @throws SrsError 1023 unknown letter, missing value, no configuration file, bad port or signal.
 */
export function parseCommandLine(args: readonly string[], program: string): Command {
  const seen: Seen = { help: args.length === 0, version: false, test: false, values: new Map() };
  for (let i = 0; i < args.length; i++) {
    const arg = LONG_OPTIONS[args[i] ?? ''] ?? args[i] ?? '';
    if (!arg.startsWith('-') || arg === '-') seen.help = true;
    else if (readOption(arg, args[i + 1], seen, program)) i++;
  }
  if (seen.help) return { kind: 'help' };
  if (seen.version) return { kind: 'version' };
  const url = seen.values.get('b');
  if (url !== undefined) return bandcheckOf(seen, url);
  const configFile = seen.values.get('c');
  if (configFile === undefined) {
    throw usageError(`config file not specified, see help: ${program} -h`);
  }
  return commandOf(seen, configFile);
}

function bandcheckOf({ test, values }: Seen, url: string): Command {
  if (!test && values.size === 1) return { kind: 'bandcheck', url };
  throw usageError('option "-b" excludes all others');
}

function commandOf({ test, values }: Seen, configFile: string): Command {
  const word = values.get('s');
  const diffWith = values.get(DIFF);
  if (test && word !== undefined) throw usageError('options "-t" and "-s" exclude each other');
  if (!test && diffWith !== undefined) throw usageError(`option "${DIFF}" requires "-t"`);
  const overrides = overridesOf(values);
  if (test) {
    const diff = diffWith === undefined ? {} : { diffWith };
    return { kind: 'test', configFile, overrides, ...diff };
  }
  if (word === undefined) return { kind: 'run', configFile, overrides };
  const order = ORDERS.find((known) => known === word);
  if (order !== undefined) return { kind: 'order', order, configFile };
  throw usageError(`option "-s" requires one of ${ORDERS.join(', ')}, got "${word}"`);
}

/** Reads one argument; true when it took the next one as its value. */
function readOption(arg: string, next: string | undefined, seen: Seen, program: string): boolean {
  const [name = '', ...rest] = arg.split('=');
  const key = LONG_VALUES[name];
  if (key === undefined) return readLetters(arg, next, seen, program);
  const value = rest.length > 0 ? rest.join('=') : next;
  if (value === undefined || value === '') throw usageError(`option "${name}" requires parameter`);
  keepValue(key, value, seen);
  return rest.length === 0;
}

/** Reads one argument of letters; true when it took the next argument as its value. */
function readLetters(arg: string, next: string | undefined, seen: Seen, program: string): boolean {
  for (let at = 1; at < arg.length; at++) {
    const letter = arg.charAt(at);
    if (!VALUE_LETTERS.includes(letter)) {
      readFlag(letter, seen, program);
      continue;
    }
    const rest = arg.slice(at + 1);
    const value = rest === '' ? next : rest;
    if (value === undefined || value === '') {
      throw usageError(`option "-${letter}" requires parameter`);
    }
    keepValue(letter, value, seen);
    return rest === '';
  }
  return false;
}

function keepValue(name: string, value: string, seen: Seen): void {
  if ('bcs'.includes(name)) seen.help = false;
  seen.values.set(name, value);
}

function readFlag(letter: string, seen: Seen, program: string): void {
  switch (letter) {
    case 'h':
    case '?':
      seen.help = true;
      return;
    case 'v':
    case 'V':
      seen.help = false;
      seen.version = true;
      return;
    case 't':
      seen.help = false;
      seen.test = true;
      return;
    default:
      throw usageError(`invalid option: "${letter}", see help: ${program} -h`);
  }
}

function overridesOf(values: ReadonlyMap<string, string>): CommandOverrides {
  const rtmpPort = portOf(values, 'p');
  const httpPort = portOf(values, 'x');
  return {
    ...(rtmpPort === undefined ? {} : { rtmpPort }),
    ...(httpPort === undefined ? {} : { httpPort }),
  };
}

function portOf(values: ReadonlyMap<string, string>, letter: string): number | undefined {
  const text = values.get(letter);
  if (text === undefined) return undefined;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= MAX_PORT) return port;
  throw usageError(`option "-${letter}" requires a port from 1 to ${MAX_PORT}, got "${text}"`);
}

function usageError(message: string): SrsError {
  return new SrsError(ErrorCode.SYSTEM_CONFIG_INVALID, message);
}
