/** Owns the configuration as the rest of the server sees it: plain, typed, readonly values. */
import { ErrorCode } from '../../core/errors';
import { localIpv4Addresses } from '../../core/local-addresses';

import { checkDirectives, checkOptions } from './check';
import { ConfigError, warningLines } from './config-error';
import type { Warning } from './config-error';
import { readConfigFile } from './config-files';
import { blocks } from './directive';
import { availableFeatures } from './features';
import type { Feature } from './features';
import { parseDirectives } from './parser';
import type { Directive } from './parser';
import { Scope, readSection } from './row';
import type { Row, Rows } from './row';
import { globalRows } from './sections/global';
import type { GlobalOptions } from './sections/global';
import { vhostRows } from './sections/vhost';
import type { VhostOptions } from './sections/vhost';

/** The vhost that serves clients whose vhost is not configured. */
const DEFAULT_VHOST = '__defaultVhost__';

/** All rows, from root level down. */
export const rootRows = {
  ...globalRows,
  vhosts: blocks('vhost', 'name', vhostRows, { doc: 'Settings of one virtual host.' }),
};

/** What a caller may replace when it parses a text. */
export interface ParseOptions {
  /** Features of this build, to answer those that are asked for and missing. */
  readonly features?: ReadonlySet<Feature>;
  /** Non-loopback IPv4 addresses of the machine, to check `stats { network }`. */
  readonly addresses?: readonly string[];
}

/** A configuration file that could be read and has the form of one; what its directives say is not checked yet. */
export interface ConfigText {
  /** The file, as given: the name in messages, and the base of relative includes. */
  readonly file: string;
  /** Directives of root level; those of included files stand in the place of the `include`. */
  readonly directives: readonly Directive[];
}

/** A checked configuration; never changes after it was made. */
export class Config {
  /** The file it was read from, as given. */
  readonly file: string;
  /** What the user should know, each line beginning with `file:line: `. */
  readonly warnings: readonly string[];
  readonly global: GlobalOptions;
  readonly vhosts: readonly VhostOptions[];
  /** What it was made from: the words of the files. */
  readonly directives: readonly Directive[];
  private readonly byName: ReadonlyMap<string, VhostOptions>;

  private constructor(
    { file, directives }: ConfigText,
    warnings: readonly string[],
    global: GlobalOptions,
    vhosts: readonly VhostOptions[],
  ) {
    this.file = file;
    this.warnings = warnings;
    this.global = global;
    this.vhosts = vhosts;
    this.directives = directives;
    this.byName = new Map(vhosts.map((vhost) => [vhost.name, vhost]));
  }

  /**
   * Reads and checks a file. Throws ConfigError, with `file:line` in front: 1042 cannot open, 1044
   * cannot read, 1046 empty file, 1023, 1026 and 1027 what is wrong in it.
   */
  static load(file: string, options?: ParseOptions): Config {
    return Config.check(Config.read(file), options);
  }

  /** The first half of {@link load}: reads the file and those it includes, and takes them apart. */
  static read(file: string): ConfigText {
    const place = { file, line: 0 };
    const text = readConfigFile(file, place);
    if (text === '') {
      throw new ConfigError(place, 'conf file is empty', ErrorCode.SYSTEM_FILE_EOF);
    }
    return { file, directives: parseDirectives(text, file) };
  }

  /** Checks a text; `file` names it in messages and is the base of its relative includes. */
  static parse(text: string, file: string, options?: ParseOptions): Config {
    return Config.check({ file, directives: parseDirectives(text, file) }, options);
  }

  /** The second half of {@link load}: checks every directive, and that all of them fit together. */
  static check({ file, directives }: ConfigText, options?: ParseOptions): Config {
    const features = options?.features ?? availableFeatures;
    const warnings: Warning[] = [];
    const report = { warnings, features, scopesOf: (name: string) => scopesOf(name) };
    checkDirectives(directives, file);
    const { vhosts, ...global } = readSection(rootRows, directives, new Scope(report));
    const addresses = options?.addresses ?? localIpv4Addresses();
    warnings.push(...checkOptions({ directives, file, global, vhosts, addresses }));
    return new Config({ file, directives }, warningLines(warnings), global, vhosts);
  }

  /** The same configuration with some root options replaced, as by the command line. */
  withGlobal(changes: Partial<GlobalOptions>): Config {
    return new Config(this, this.warnings, { ...this.global, ...changes }, this.vhosts);
  }

  /** The same configuration with other options of its vhosts; the words it was made from stay. */
  withVhosts(vhosts: readonly VhostOptions[]): Config {
    return new Config(this, this.warnings, this.global, vhosts);
  }

  /**
   * The vhost that serves clients of `name`: that very one, else the default vhost. Undefined when
   * there is neither, or it is disabled (a disabled vhost does not fall back).
   */
  findVhost(name: string): VhostOptions | undefined {
    const vhost = this.byName.get(name) ?? this.byName.get(DEFAULT_VHOST);
    return vhost?.enabled === true ? vhost : undefined;
  }
}

/** Blocks in which a directive is known, as `root` or `vhost hls`, for hints. */
function scopesOf(name: string, rows: Rows = rootRows, words = ''): string[] {
  const all: Row<unknown>[] = Object.values(rows);
  const here = all.some((row) => row.name === name || row.aliases.includes(name));
  const inside = all.flatMap((row) =>
    row.rows ? scopesOf(name, row.rows, words === '' ? row.name : `${words} ${row.name}`) : [],
  );
  return here ? [words === '' ? 'root' : words, ...inside] : inside;
}

export { ConfigError } from './config-error';
export type { ListenAddress } from './addresses';
export type { GlobalOptions } from './sections/global';
export type { VhostOptions } from './sections/vhost';
