/** Owns what is found on disk when a stream is published for the first time in this process. */
import { readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';

import { describeError } from '../../core/errors';
import type { Logger } from '../../core/logger';

import type { DiskSegment } from './disk-target';
import type { HlsOptions } from './options';
import { attribute, parsePlaylist } from './playlist-parser';
import type { ParsedPlaylist, ParsedSegment } from './playlist-parser';
import { recoverSegment } from './recover';
import { gapSegment } from './segment';
import type { InitSection } from './segment';
import type { ListState } from './segment-list';
import { initPath } from './segment-names';
import type { SegmentNames } from './segment-names';

/** What to go on with. */
export interface Found {
  readonly list: ListState<DiskSegment>;
  /** Number of the next segment. */
  readonly nextSequence: number;
  /** The initialisation section of the last segment. */
  readonly init: InitSection | undefined;
}

/** Shorter remains of a segment are not worth keeping. */
const MIN_SEGMENT_MS = 100;
/** How the name of an unfinished segment ends. */
const TMP = /(?:\.\d+)?\.tmp$/;

/** A file that may be a segment of the stream. */
interface Candidate {
  /** As it will be called, or is already. */
  readonly path: string;
  /** Where it is now; the same when it is finished. */
  readonly file: string;
  readonly modifiedMs: number;
}

/**
 * Takes up playlist and segments of an earlier process. A segment that was being written is cut to its whole part and
 * listed; files that left the list just before the end are deleted. Undefined when there is nothing to go on with;
 * never rejects: what cannot be read is logged and left alone.
 */
export async function takeUp(
  names: SegmentNames,
  options: HlsOptions,
  log: Logger,
  nowMs: number,
): Promise<Found | undefined> {
  try {
    return await new Resume(names, options, log).run(nowMs);
  } catch (error) {
    log.warn(`hls cannot go on with ${names.playlist}: ${describeError(error)}`, error);
    return undefined;
  }
}

class Resume {
  readonly #names: SegmentNames;
  readonly #options: HlsOptions;
  readonly #log: Logger;
  readonly #matcher: RegExp;
  #segments: DiskSegment[] = [];
  #nextSequence = 0;
  /** Numbers count slots of the timeline of this length; 0: they count segments. */
  #slotMs = 0;

  constructor(names: SegmentNames, options: HlsOptions, log: Logger) {
    this.#names = names;
    this.#options = options;
    this.#log = log;
    this.#matcher = names.matcher;
  }

  async run(nowMs: number): Promise<Found | undefined> {
    const written = await this.#readPlaylist();
    const playlist = written?.playlist;
    this.#slotMs = playlist?.slotMs ?? 0;
    const skipped = playlist === undefined ? 0 : await this.#takeListed(playlist);
    const listed = this.#segments.length;
    const next = this.#names.segment(this.#nextSequence, nowMs).path;
    const paths = this.#segments.flatMap(({ path, isGap }) => (isGap ? [] : [path]));
    const directories = new Set([...paths, next].map(dirname));
    for (const candidate of await this.#findCandidates(directories)) {
      const isOpen = candidate.file !== candidate.path;
      if (isOpen || (written && candidate.modifiedMs >= written.modifiedMs)) {
        await this.#recover(candidate);
      } else if (written) await this.#removeStale(candidate, written.modifiedMs);
      else this.#pass(candidate);
    }
    if (playlist === undefined && this.#nextSequence === 0) return undefined;
    this.#log.trace(
      `hls goes on with ${this.#names.playlist}, segments=${listed}, ` +
        `recovered=${this.#segments.length - listed}, sequence_no=${this.#nextSequence}`,
    );
    const list = this.#state(playlist, skipped);
    return { list, nextSequence: this.#nextSequence, init: await this.#readInit() };
  }

  async #readInit(): Promise<InitSection | undefined> {
    const last = this.#segments.filter(({ isGap }) => isGap !== true).at(-1);
    if (last?.mapUri === undefined) return undefined;
    const path = this.#names.pathOf(last.mapUri);
    return path === undefined
      ? undefined
      : { bytes: await readFile(path), file: this.#names.fileAt(path) };
  }

  #state(playlist: ParsedPlaylist | undefined, skipped: number): ListState<DiskSegment> {
    const { mediaSequence = 0, discontinuitySequence = 0, targetDuration = 0 } = playlist ?? {};
    const lost = (playlist?.segments ?? []).slice(0, skipped);
    const breaks = lost.filter((segment) => segment.isDiscontinuity).length;
    return {
      segments: this.#segments,
      mediaSequence: mediaSequence + skipped,
      discontinuitySequence: discontinuitySequence + breaks,
      targetDuration,
      slotMs: this.#slotMs,
    };
  }

  async #readPlaylist(): Promise<{ playlist: ParsedPlaylist; modifiedMs: number } | undefined> {
    const path = this.#names.playlist;
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) return undefined;
    const playlist = parsePlaylist(await readFile(path, 'utf8'));
    return playlist && { playlist, modifiedMs: found.mtimeMs };
  }

  /** Lists the segments whose files are all there, up to the end; returns how many are left out in front. */
  async #takeListed({ segments, mediaSequence }: ParsedPlaylist): Promise<number> {
    let skipped = 0;
    for (const [index, parsed] of segments.entries()) {
      const segment = await this.#diskSegment(parsed, mediaSequence + index);
      if (segment === undefined) {
        skipped = index + 1;
        this.#segments = [];
      } else this.#segments.push(segment);
    }
    this.#nextSequence = mediaSequence + segments.length;
    const last = segments.at(-1);
    const lastPath = last && this.#names.pathOf(last.uri);
    const named = lastPath === undefined ? undefined : this.#names.sequenceOf(lastPath);
    if (named !== undefined) this.#nextSequence = Math.max(this.#nextSequence, named + 1);
    return skipped;
  }

  async #diskSegment(parsed: ParsedSegment, sequence: number): Promise<DiskSegment | undefined> {
    if (parsed.isGap) {
      return { ...gapSegment(sequence, parsed.durationMs, parsed.uri), path: '', sharedPaths: [] };
    }
    const path = this.#names.pathOf(parsed.uri);
    if (path === undefined || !this.#matcher.test(path) || parsed.durationMs === 0)
      return undefined;
    const mapPath = parsed.mapUri === undefined ? undefined : this.#names.pathOf(parsed.mapUri);
    const keyUri = parsed.key === undefined ? undefined : attribute(parsed.key, 'URI');
    const keyPath = keyUri === undefined ? undefined : this.#names.keyPathOf(keyUri);
    const sharedPaths = [mapPath, keyPath].filter((shared) => shared !== undefined);
    const files = await Promise.all([path, ...sharedPaths].map((file) => sizeOf(file)));
    if (files.some((size) => size === 0)) return undefined;
    return { ...parsed, path, sharedPaths, sequence, bytes: files[0] ?? 0 };
  }

  /** Files of the stream that are not listed, oldest first. */
  async #findCandidates(directories: ReadonlySet<string>): Promise<Candidate[]> {
    const listed = new Set(this.#segments.map(({ path }) => normalize(path)));
    const found: Candidate[] = [];
    for (const directory of directories) {
      for (const name of await readdir(directory).catch(() => [])) {
        const path = join(directory, name.replace(TMP, ''));
        if (!this.#matcher.test(path) || listed.has(path)) continue;
        const file = join(directory, name);
        const state = await stat(file).catch(() => undefined);
        if (state?.isFile() === true) found.push({ path, file, modifiedMs: state.mtimeMs });
      }
    }
    return found.sort((a, b) => a.modifiedMs - b.modifiedMs);
  }

  /** A segment without a playlist: the new ones must not overwrite it. */
  #pass({ path }: Candidate): void {
    this.#nextSequence = Math.max(this.#nextSequence, (this.#names.sequenceOf(path) ?? -1) + 1);
  }

  /** Lists what a crash has left of a segment. */
  async #recover({ path, file }: Candidate): Promise<void> {
    try {
      const mapPath = await this.#mapOf(path);
      const whole = this.#mayRecover(path, file) ? await recoverSegment(file, mapPath) : undefined;
      if (whole === undefined || whole.durationMs < MIN_SEGMENT_MS) {
        await unlink(file);
        return;
      }
      if (file !== path) await rename(file, path);
      this.#add(path, mapPath, whole);
    } catch (error) {
      this.#log.warn(`hls cannot recover ${file}`, error);
    }
  }

  #mayRecover(path: string, file: string): boolean {
    // What is encrypted cannot be looked into without the key's last use.
    if (this.#options.keys) return false;
    // Other servers have the whole of what is cut off, under the same number.
    return (
      this.#slotMs === 0 || (file === path && this.#names.sequenceOf(path) === this.#nextSequence)
    );
  }

  #add(
    path: string,
    mapPath: string | undefined,
    { bytes, durationMs }: { readonly bytes: number; readonly durationMs: number },
  ): void {
    const sequence = this.#names.sequenceOf(path) ?? this.#nextSequence;
    this.#segments.push({
      path,
      sharedPaths: mapPath === undefined ? [] : [mapPath],
      sequence,
      uri: this.#names.fileAt(path).uri,
      durationMs,
      isDiscontinuity: this.#segments.length > 0 && sequence !== this.#nextSequence,
      startEpochMs: undefined,
      mapUri: mapPath === undefined ? undefined : this.#names.fileAt(mapPath).uri,
      key: undefined,
      bytes,
    });
    this.#nextSequence = Math.max(this.#nextSequence, sequence) + 1;
  }

  /** The initialisation section of a segment: its own, or that of the segment before. */
  async #mapOf(path: string): Promise<string | undefined> {
    if (this.#options.format === 'ts') return undefined;
    const own = initPath(path);
    if ((await sizeOf(own)) > 0) return own;
    return this.#segments.at(-1)?.sharedPaths[0] ?? own;
  }

  /** Deletes a file that left the list so shortly before the end that it was still kept for slow players. */
  async #removeStale({ path, modifiedMs }: Candidate, writtenMs: number): Promise<void> {
    const { cleanup, windowMs, fragmentMs, tdRatio } = this.#options;
    const keptMs = windowMs + 3 * fragmentMs * tdRatio;
    const isOurs = cleanup && this.#names.sequenceOf(path) !== undefined;
    if (isOurs && modifiedMs >= writtenMs - keptMs) await unlink(path).catch(() => undefined);
  }
}

/** 0 when there is no such file. */
async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}
