/** Finds how much of a fragmented recording is whole after a crash cut it off, and what its end needs to be finished. */
import { boxHeaderBytes, longBoxHeaderBytes, readBoxHeader } from './box';
import type { BoxHeader } from './box';
import { durationPatches } from './init-segment';
import type { FilePatch } from './init-segment';
import { RandomAccessIndex } from './random-access-index';
import { readFragmentTiming, readTrackTimings } from './track-timing';
import type { TrackTiming } from './track-timing';

/** A file, read piece by piece. */
export interface RandomAccessSource {
  readonly size: number;
  /** Resolves to the bytes from `position` on: `length` of them, or fewer at the end of the file. */
  read(position: number, length: number): Promise<Buffer>;
}

/** The whole part of a recording. */
export interface WholeFragments {
  /** Where the last whole fragment ends: the size to cut the file to. 0 when not even the header is whole. */
  readonly end: number;
  /** Fragments, moof and mdat both complete. */
  readonly fragments: number;
  /** From the earliest start of all tracks to the latest end. */
  readonly durationMs: number;
  /** What states that duration in the header. */
  readonly patches: readonly FilePatch[];
  /** The index to put behind `end`. */
  readonly index: RandomAccessIndex;
}

/** One read covers a moof of usual size and the header of its mdat. */
const windowBytes = 16 * 1024;
/** Larger moov and moof boxes are taken for damage. */
const maxTableBytes = 32 * 1024 * 1024;

/**
 * Walks a file that `FragmentWriter` and `mp4RecordingHeader` made, up to the last fragment that is whole. Damage ends
 * the walk, it is no error; rejects only when the source does.
 */
export async function findLastFragmentEnd(source: RandomAccessSource): Promise<WholeFragments> {
  const walk = new FragmentWalk(new SourceWindow(source));
  return walk.run();
}

class FragmentWalk {
  readonly #window: SourceWindow;
  #header: Buffer = Buffer.alloc(0);
  #tracks: TrackTiming[] = [];
  #index = new RandomAccessIndex({ id: 1, timescale: 1000 });
  /** The moof that waits for its mdat. */
  #open: { position: number; moof: Buffer } | undefined;
  #end = 0;
  #fragments = 0;
  #startMs = Infinity;
  #endMs = 0;

  constructor(window: SourceWindow) {
    this.#window = window;
  }

  async run(): Promise<WholeFragments> {
    let at = 0;
    let header = await this.#window.boxAt(at);
    while (header !== undefined && (await this.#take(at, header))) {
      at += header.size;
      header = await this.#window.boxAt(at);
    }
    const durationMs = Math.max(0, this.#endMs - Math.min(this.#startMs, this.#endMs));
    return {
      end: this.#end,
      fragments: this.#fragments,
      durationMs,
      patches: durationPatches(this.#header, durationMs),
      index: this.#index,
    };
  }

  /** Takes a whole box; false when it is damage and the walk ends. */
  async #take(position: number, header: BoxHeader): Promise<boolean> {
    switch (header.type) {
      case 'moov':
        return this.#takeMovie(position, header);
      case 'moof': {
        const moof = await this.#content(position, header);
        this.#open = moof === undefined ? undefined : { position, moof };
        return moof !== undefined && this.#tracks.length > 0;
      }
      case 'mdat':
        return this.#closeFragment(position + header.size);
      case 'mfra':
        return false;
      default:
        return true;
    }
  }

  async #takeMovie(position: number, header: BoxHeader): Promise<boolean> {
    const moov = await this.#content(position, header);
    if (moov === undefined || this.#tracks.length > 0) return false;
    this.#tracks = readTrackTimings(moov);
    const main = this.#tracks.find((track) => track.isVideo) ?? this.#tracks[0];
    if (main === undefined) return false;
    this.#index = new RandomAccessIndex(main);
    this.#end = position + header.size;
    this.#header = (await this.#window.bytes(0, this.#end)) ?? this.#header;
    return true;
  }

  /** The fragment that ends at `end` is whole, if its moof can be read. */
  #closeFragment(end: number): boolean {
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined) return false;
    const timing = readFragmentTiming(open.moof, this.#tracks);
    if (timing === undefined) return false;
    this.#end = end;
    this.#fragments++;
    this.#startMs = Math.min(this.#startMs, timing.startMs);
    this.#endMs = Math.max(this.#endMs, timing.endMs);
    if (timing.isIndependent) this.#index.add(open.position, timing.presentationMs);
    return true;
  }

  async #content(position: number, header: BoxHeader): Promise<Buffer | undefined> {
    if (header.size > maxTableBytes) return undefined;
    return (await this.#window.bytes(position, header.size))?.subarray(header.headerBytes);
  }
}

/** Reads a source in pieces large enough that several boxes share one. */
class SourceWindow {
  readonly #source: RandomAccessSource;
  #bytes: Buffer = Buffer.alloc(0);
  #position = 0;

  constructor(source: RandomAccessSource) {
    this.#source = source;
  }

  /** The header of the box at `position`; undefined when the box is damaged or goes beyond the end of the file. */
  async boxAt(position: number): Promise<BoxHeader | undefined> {
    const rest = this.#source.size - position;
    if (rest < boxHeaderBytes) return undefined;
    const bytes = await this.bytes(position, Math.min(rest, longBoxHeaderBytes));
    const header = bytes === undefined ? undefined : readBoxHeader(bytes);
    return header === undefined || header.size > rest ? undefined : header;
  }

  /** Exactly these bytes; undefined when the file has fewer. */
  async bytes(position: number, length: number): Promise<Buffer | undefined> {
    const offset = position - this.#position;
    if (offset < 0 || offset + length > this.#bytes.length) {
      this.#bytes = await this.#source.read(position, Math.max(length, windowBytes));
      this.#position = position;
    }
    const start = position - this.#position;
    return start + length > this.#bytes.length
      ? undefined
      : this.#bytes.subarray(start, start + length);
  }
}
