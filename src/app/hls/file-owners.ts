/** Owns the way back from a file on disk to the stream whose HLS it may belong to, also when nobody publishes it. */
import { realpath } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

import { PathTemplate } from '../../files/path-template';
import type { StreamName } from '../stream/sink';

import type { HlsOptions } from './options';
import { initPath } from './segment-names';

/** The names that matter; two vhosts that share all of them share their files. */
export type NamingOptions = Pick<
  HlsOptions,
  'path' | 'm3u8File' | 'masterFile' | 'tsFile' | 'keyFile' | 'keyFilePath'
>;

/** A vhost whose streams are cut into files. */
export interface OwningVhost {
  readonly name: string;
  readonly hls: NamingOptions;
}

/** A stream that a file may belong to. */
export interface FileOwner extends StreamName {
  /** It is a playlist, a media or a master one. */
  readonly isPlaylist: boolean;
  /** Where the media playlist of the stream lies, free of dots; undefined where its names allow none. */
  readonly playlist: string | undefined;
}

/** One kind of file of one vhost. */
interface Rule {
  readonly vhost: OwningVhost;
  /** An absolute path with variables. */
  readonly template: string;
  /** The directories in front of the first variable. */
  readonly root: string;
  readonly kind: 'master' | 'media' | 'part';
}

interface Pattern {
  readonly rule: Rule;
  /** What a path must begin with. */
  readonly start: string;
  /** With the longest app that is possible, and with the shortest. */
  readonly longest: RegExp;
  readonly shortest: RegExp;
  /** For one app. */
  readonly forApp: (app: string) => RegExp;
  /** The text that follows the first app, if the next thing is text. */
  readonly afterApp: string;
}

type Groups = Readonly<Record<string, string>>;

/** Answers that are kept. */
const MAX_KNOWN = 8192;
/** Links in front of the first variable are followed again after so long, ms. */
const ROOTS_MS = 5000;
const TEXT_AFTER_APP = /\[app\]([^[])/;
/** What a file is called while it is written. */
const TEMPORARY = [/\.tmp$/, /\.\d+\.tmp$/];

/**
 * Who may own a file, by the names that the vhosts give to playlists, segments, initialisation sections and keys, in
 * either container. Links in front of the first variable of a name are followed; links further down have to be
 * followed by who asks, with both names of the file. Where the slashes of a path allow several apps, all of them are
 * owners, the one with the longest app first, as live streams are found.
 */
export class FileOwners {
  readonly #rules: readonly Rule[];
  readonly #known = new Map<string, readonly FileOwner[]>();
  #patterns: readonly Pattern[] = [];
  #realRoots: readonly string[] = [];
  #resolving: Promise<void> | undefined;
  #resolvedMs = -Infinity;

  constructor(vhosts: readonly OwningVhost[]) {
    this.#rules = vhosts.flatMap(rulesOf);
  }

  /** Nothing is owned. */
  get isEmpty(): boolean {
    return this.#rules.length === 0;
  }

  /** All streams that a file may belong to, by the first of its absolute paths that is anybody's; `nowMs` monotonic. */
  async find(paths: readonly string[], nowMs: number): Promise<readonly FileOwner[]> {
    if (nowMs - this.#resolvedMs >= ROOTS_MS) await this.#resolveRoots(nowMs);
    const key = paths.join('\0');
    let owners = this.#known.get(key);
    if (owners === undefined) {
      if (this.#known.size >= MAX_KNOWN) this.#known.clear();
      owners = paths.map((path) => this.#match(path)).find((found) => found.length > 0) ?? [];
      this.#known.set(key, owners);
    }
    return owners;
  }

  #match(path: string): FileOwner[] {
    const found = namesOf(path).flatMap((name) =>
      this.#patterns.flatMap((pattern) =>
        namesIn(name, pattern).map((groups) => ({
          kind: pattern.rule.kind,
          owner: ownerOf(pattern.rule, groups),
        })),
      ),
    );
    // A master playlist looks like the media playlist of a stream that nobody could publish beside it.
    const masters = new Set(
      found.filter(({ kind }) => kind === 'master').map(({ owner }) => owner.vhost),
    );
    const owners = new Map<string, FileOwner>();
    for (const { kind, owner } of found) {
      const key = `${owner.vhost}\n${owner.app}\n${owner.stream}`;
      const isOther = kind === 'media' && masters.has(owner.vhost);
      if (!isOther && !owners.has(key)) owners.set(key, owner);
    }
    return [...owners.values()];
  }

  #resolveRoots(nowMs: number): Promise<void> {
    this.#resolving ??= this.#readRoots()
      .then(() => {
        this.#resolvedMs = nowMs;
      })
      .finally(() => {
        this.#resolving = undefined;
      });
    return this.#resolving;
  }

  async #readRoots(): Promise<void> {
    const roots = await Promise.all(this.#rules.map(({ root }) => realPathOf(root)));
    const isSame =
      this.#patterns.length > 0 && roots.every((root, index) => root === this.#realRoots[index]);
    if (isSame) return;
    this.#realRoots = roots;
    this.#known.clear();
    this.#patterns = this.#rules.flatMap((rule, index) => {
      const distinct = new Set([rule.root, roots[index] ?? rule.root]);
      return [...distinct].map((root) => patternOf(rule, root));
    });
  }
}

function rulesOf(vhost: OwningVhost): Rule[] {
  const { path, m3u8File, masterFile, tsFile, keyFile, keyFilePath } = vhost.hls;
  const fragment = `${tsFile.replace(/\.ts$/, '')}.m4s`;
  const rule = (name: string, kind: Rule['kind'], directory = path): Rule => {
    const template = join(resolve(directory), name);
    return { vhost, template, root: resolve(new PathTemplate(template, isUtc).root), kind };
  };
  return [
    ...(masterFile === '' ? [] : [rule(masterFile, 'master')]),
    rule(m3u8File, 'media'),
    rule(tsFile, 'part'),
    rule(fragment, 'part'),
    rule(initPath(fragment), 'part'),
    rule(keyFile, 'part', keyFilePath || path),
  ];
}

function patternOf(rule: Rule, root: string): Pattern {
  const below = rule.root === '/' ? rule.template : rule.template.slice(rule.root.length);
  const template = new PathTemplate(`${root === '/' ? '' : root}${below}`, isUtc);
  const vhost = rule.vhost.name;
  const shortest = template.matcher({ vhost });
  return {
    rule,
    start: root === '/' ? root : `${root}/`,
    shortest,
    // Names that stand for any text are groups, and what else is in it is escaped.
    longest: new RegExp(shortest.source.replaceAll('>.+?)', '>.+)'), shortest.flags),
    forApp: (app) => template.matcher({ vhost, app }),
    afterApp: TEXT_AFTER_APP.exec(below)?.[1] ?? '',
  };
}

/** All that the names in a path may be; none when the path is another's. */
function namesIn(path: string, pattern: Pattern): Groups[] {
  const most = path.startsWith(pattern.start) ? pattern.longest.exec(path) : null;
  if (most === null) return [];
  const least = pattern.shortest.exec(path)?.groups ?? {};
  const names: Groups = most.groups ?? {};
  return [names, ...namesBetween(path, pattern, names['app'] ?? '', least['app'] ?? ''), least];
}

/** With an app between the longest and the shortest, which is its beginning. */
function namesBetween(path: string, pattern: Pattern, longest: string, shortest: string): Groups[] {
  const found: Groups[] = [];
  for (let end = longest.length - 1; end > shortest.length; end--) {
    // What cannot be is not tried: paths may be long, and each try takes time.
    if (!longest.startsWith(pattern.afterApp, end)) continue;
    const app = longest.slice(0, end);
    const groups = pattern.forApp(app).exec(path);
    if (groups) found.push({ ...groups.groups, app });
  }
  return found;
}

function ownerOf({ vhost, kind }: Rule, groups: Groups): FileOwner {
  // What a name does not hold is not known; a stream without a name is nobody's to play.
  const { app = '', stream = '' } = groups;
  const name = { vhost: vhost.name, app, stream };
  return { ...name, isPlaylist: kind !== 'part', playlist: playlistOf(vhost, name) };
}

function playlistOf({ hls }: OwningVhost, name: StreamName): string | undefined {
  try {
    const template = new PathTemplate(join(resolve(hls.path), hls.m3u8File), isUtc);
    return template.resolve({ ...name, nowMs: 0 });
  } catch {
    // No stream can have such a name.
    return undefined;
  }
}

/** The path itself, and what it may become when it is complete. */
function namesOf(path: string): string[] {
  return [path, ...TEMPORARY.filter((end) => end.test(path)).map((end) => path.replace(end, ''))];
}

/** Free of links, as far as it exists: what does not is made by the server, without links. */
async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(await realPathOf(parent), path.slice(parent.length));
  }
}

/** No name here holds a time that is asked for. */
function isUtc(): boolean {
  return true;
}
