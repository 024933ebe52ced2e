/** Owns how the files of a stream are called: on disk, in playlists, and under the HTTP mount. */
import { basename, dirname, join, normalize, relative } from 'node:path';

import { PathTemplate } from '../../files/path-template';
import type { PathVariables } from '../../files/path-template';
import type { StreamName } from '../stream/sink';

import type { HlsOptions } from './options';
import type { SegmentFile } from './segment';

/** Where a stream is served when it is kept in memory. */
export interface RamPlace {
  /** Name of the only vhost it belongs to; undefined for all. */
  readonly vhost: string | undefined;
  /** Path of the playlist, with a slash in front. */
  readonly path: string;
}

/** The part of a mount that stands for the vhost. */
const VHOST_MOUNT = /^\[vhost\](?=\/)/;

/** The names of one stream. Throws SrsError where the names of the stream do not allow a path. */
export class SegmentNames {
  /** Path of the media playlist. */
  readonly playlist: string;
  /** Path of the master playlist. */
  readonly master: string | undefined;
  readonly ram: RamPlace;
  /** URL path of the playlist, for who is told of segments. */
  readonly playlistUrl: string;
  readonly #options: HlsOptions;
  readonly #isUtc: () => boolean;
  readonly #name: StreamName;
  readonly #segment: PathTemplate;
  readonly #key: PathTemplate;

  constructor(name: StreamName, options: HlsOptions, isUtc: () => boolean) {
    this.#options = options;
    this.#isUtc = isUtc;
    this.#name = name;
    this.#segment = this.#template(segmentTemplate(options));
    this.#key = this.#template(options.keyFile, options.keyFilePath || options.path);
    this.playlist = this.#template(options.m3u8File).resolve(this.#variables());
    const { masterFile } = options;
    this.master =
      masterFile === '' ? undefined : this.#template(masterFile).resolve(this.#variables());
    this.ram = ramPlace(name, options.mount, isUtc);
    this.playlistUrl = this.#relative(options.path, this.playlist);
  }

  /** Whose names these are. */
  get stream(): StreamName {
    return this.#name;
  }

  /** Directory of the playlist: what URIs are relative to. */
  get directory(): string {
    return dirname(this.playlist);
  }

  /**
   * The playlists, and one file each that stands for all segments and for all keys: two streams that share any of
   * these would overwrite each other.
   */
  get ownPaths(): string[] {
    const paths = [this.playlist, this.master, this.#sample.path];
    if (this.#options.keys) paths.push(this.key(0, 0).path);
    return paths.filter((path) => path !== undefined);
  }

  /** The same, as paths under which they are asked for when they are in memory. */
  get ownRamPaths(): string[] {
    const beside = [this.ramMasterName, this.#sample.ramName];
    if (this.#options.keys) beside.push(this.key(0, 0).ramName);
    const paths = beside.filter((name) => name !== undefined).map((name) => this.ramPath(name));
    return [this.ram.path, ...paths];
  }

  get #sample(): SegmentFile {
    return this.segment(0, 0, 0);
  }

  /** Paths that segments of this stream may have. */
  get matcher(): RegExp {
    return this.#segment.matcher(this.#name);
  }

  /** A segment that begins at a time of day; `timestamp` replaces the time in `[timestamp]`. */
  segment(sequence: number, epochMs: number, timestamp?: number): SegmentFile {
    const variables = { ...this.#variables(epochMs), seq: sequence };
    return this.fileAt(
      this.#segment.resolve({ ...variables, ...(timestamp !== undefined && { timestamp }) }),
    );
  }

  /** The initialisation section that a segment brings along. */
  init(segment: SegmentFile): SegmentFile {
    return this.fileAt(initPath(segment.path));
  }

  /** The key of the segments from this one on. */
  key(sequence: number, epochMs: number): SegmentFile {
    const path = this.#key.resolve({ ...this.#variables(epochMs), seq: sequence });
    const { keyUrl, keyFilePath, path: hlsPath } = this.#options;
    const inside = relative(keyFilePath || hlsPath, path);
    const fromPlaylist = relative(this.directory, join(hlsPath, inside));
    const ramName = ramNameOf(fromPlaylist);
    if (keyUrl === '') return { path, uri: encodePath(fromPlaylist), ramName };
    return { path, uri: withSlash(keyUrl) + encodePath(inside), ramName };
  }

  /** The path behind the URI of a segment or initialisation section; undefined for one that was not made here. */
  pathOf(uri: string): string | undefined {
    const start = this.#prefixed('', this.#directoryUri);
    if (!uri.startsWith(start)) return undefined;
    return decodedPath(this.directory, uri.slice(start.length));
  }

  /** The path behind the URI of a key. */
  keyPathOf(uri: string): string | undefined {
    const { keyUrl, keyFilePath, path } = this.#options;
    const directory = keyFilePath || path;
    if (keyUrl !== '') {
      const start = withSlash(keyUrl);
      return uri.startsWith(start) ? decodedPath(directory, uri.slice(start.length)) : undefined;
    }
    const beside = decodedPath(this.directory, uri);
    return beside && join(directory, relative(path, beside));
  }

  /** The number in the path of a segment; undefined when the path does not tell it beyond doubt. */
  sequenceOf(path: string): number | undefined {
    const numbers = basename(path).match(/\d+/g) ?? [];
    const fitting = numbers
      .map(Number)
      .filter((number) => normalize(this.segment(number, 0).path) === normalize(path));
    return fitting.length === 1 ? fitting[0] : undefined;
  }

  /** What a playlist in memory calls something that lies beside it; keys may have a URL of their own. */
  ramUri(ramName: string): string {
    return this.#prefixed(encodePath(ramName), encodePath(dirname(this.ram.path).slice(1)));
  }

  /** A part, by a number within something that has a number: its segment, or a run of this process. */
  ramPart(run: number, number: number): string {
    const extension = this.#options.format === 'ts' ? 'ts' : 'm4s';
    const base = basename(this.ram.path).replace(/\.m3u8$/, '');
    return `${base}-${run}.part${number}.${extension}`;
  }

  ramKeyUri(file: SegmentFile): string {
    return this.#options.keyUrl === '' ? encodePath(file.ramName) : file.uri;
  }

  /** Path under which something beside the playlist in memory is asked for. */
  ramPath(ramName: string): string {
    return join(dirname(this.ram.path), ramName);
  }

  /** The master playlist in memory. */
  get ramMasterName(): string | undefined {
    return this.master === undefined ? undefined : basename(this.master);
  }

  /** What the master playlist in memory, beside the media playlist, calls that one. */
  get ramUriFromMaster(): string {
    return encodePath(basename(this.ram.path));
  }

  /** What the master playlist calls the media playlist. */
  get uriFromMaster(): string {
    const { master } = this;
    return encodePath(relative(dirname(master ?? this.playlist), this.playlist));
  }

  /** What a segment or initialisation section at a path is called. */
  fileAt(path: string): SegmentFile {
    const fromPlaylist = relative(this.directory, path);
    const uri = this.#prefixed(encodePath(fromPlaylist), this.#directoryUri);
    return { path, uri, ramName: ramNameOf(fromPlaylist) };
  }

  get #directoryUri(): string {
    return this.#relative(this.#options.path, this.directory);
  }

  /** A prefix that does not end in a slash is followed by the directory of the playlist. */
  #prefixed(uri: string, directory: string): string {
    const { entryPrefix } = this.#options;
    if (entryPrefix === '' || entryPrefix.endsWith('/')) return entryPrefix + uri;
    return `${entryPrefix}/${directory === '' ? '' : withSlash(directory)}${uri}`;
  }

  #relative(from: string, to: string): string {
    return encodePath(relative(from, to));
  }

  #template(template: string, directory = this.#options.path): PathTemplate {
    return new PathTemplate(`${withSlash(directory)}${template}`, this.#isUtc);
  }

  #variables(nowMs = 0): PathVariables {
    const { vhost, app, stream } = this.#name;
    return { vhost, app, stream, nowMs };
  }
}

/** The initialisation section beside a segment. */
export function initPath(segmentPath: string): string {
  return segmentPath.replace(/\.m4s$/, '.mp4');
}

/** Segments of fMP4 have a name of their own. */
function segmentTemplate({ tsFile, format }: HlsOptions): string {
  return format === 'ts' ? tsFile : `${tsFile.replace(/\.ts$/, '')}.m4s`;
}

function ramPlace(name: StreamName, mount: string, isUtc: () => boolean): RamPlace {
  const isVhosts = VHOST_MOUNT.test(mount);
  const path = isVhosts ? mount.replace(VHOST_MOUNT, '') : mount;
  const template = new PathTemplate(`/${path.replace(/^\/+/, '')}`, isUtc);
  return {
    vhost: isVhosts ? name.vhost : undefined,
    path: template.resolve({ ...name, nowMs: 0 }),
  };
}

/** What lies elsewhere on disk lies below the directory of the playlist in memory, in directories of the same names. */
function ramNameOf(fromPlaylist: string): string {
  return fromPlaylist.replace(/^(?:\.\.\/)+/, '');
}

/** A relative reference, with every name in it escaped. */
function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

/** What a relative reference leads to. */
function decodedPath(directory: string, reference: string): string | undefined {
  try {
    return join(directory, decodeURIComponent(reference));
  } catch {
    // Not an escaped reference: nothing that was written here.
    return undefined;
  }
}

function withSlash(text: string): string {
  return text.endsWith('/') ? text : `${text}/`;
}
